import type { Switches } from "../control/switches";
import { quotaHeaderForms } from "../loopback/quota";

/**
 * plangrade's documents and the clients of its time differ, and both are silent about much. Whatever is unknown is a
 * switch here, so that a client can be tried against every plausible plangrade.
 */
export const switchValues = {
  /** Addresses of authorize page and token endpoint: those of the documents, those of the clients, or either. */
  paths: ["documents", "clients", "both"],
  /** Answer of the token endpoint: with `token_type` and `expires_in` · with the latter as a text · the two tokens alone. */
  tokenAnswer: ["full", "text-expiry", "bare"],
  /** Body of a refusal of the token endpoint. */
  tokenErrors: ["json", "html"],
  /** Status of `invalid_grant`: as OAuth says, or as early versions of Doorkeeper did. */
  grantRefusal: [400, 401],
  /** The old refresh token after a refresh: dead at once, or good until the new access token is used. */
  formerRefresh: ["ended", "until-use"],
  /** The old access token, from the moment at which the old refresh token ends. */
  formerAccess: ["ended", "kept"],
  /** A refresh token that is dead: refused, or it ends everything that the person granted with it, too. */
  deadRefresh: ["refused", "revokes"],
  /** Whether `POST /users` needs key and secret of the application, as client_id and client_secret in its body. */
  userCredentials: ["needed", "not-needed"],

  /** `GET /me` and `/me.json`: `{id, name, email}` · the same under `user` · not there. */
  me: ["bare", "wrapped", "missing"],
  /** `GET /users/{id}`, which `/me` replaced. */
  userRead: ["served", "missing"],
  /** `{"company": {…}}` and `{"companies": […]}`, as the documents of 2014 have it, or the bare object and array. */
  envelope: ["wrapped", "bare"],
  /** Where a create says its id. */
  createdId: ["body", "location", "both"],
  /** Answer to an update: the record · `{id}` · 204. */
  updateAnswer: ["record", "id", "empty"],
  /** Status of a DELETE: that of the documents, or that of the client. */
  deleteStatus: [204, 200],

  /** Bodies that are understood; another one is read as if it were empty. */
  bodies: ["both", "form", "json"],
  /** What a PUT does with a field that it leaves out: kept · kept if it is optional, refused if not · cleared or refused. */
  updates: ["partial", "full", "replace"],
  /** Status of a list of errors. */
  invalid: [400, 422],
  /** A list of errors: texts · `{errors: [texts]}` · `{errors: {field: [texts]}}` · a page · nothing. */
  errors: ["array", "list", "fields", "html", "empty"],
  /** A record that is not of the caller's account. */
  foreign: [404, 403],
  /** A record that was deleted. */
  deleted: [404, 410],

  /** An EIN that another company has: refused within an account · refused wherever it is · accepted. */
  duplicateEin: ["account", "everywhere", "accepted"],
  /** How many digits an EIN has. */
  einLength: ["any", "nine"],
  /** EIN in answers; as a number it loses zeros at its beginning. */
  ein: ["text", "number"],
  /** Phone in answers. */
  phone: ["text", "number"],
  /** E-mail, phone and grade in answers when they are empty. `street2` is always `""`. */
  blanks: ["null", "empty", "absent"],
  /** Another `company_id` in an update. */
  companyChange: ["refused", "ignored"],
  /** `ssn` in an update. */
  ssnUpdate: ["ignored", "refused"],
  /** Archived participants: left out of lists · listed like others · not there at all. */
  archived: ["hidden", "listed", "gone"],

  /** What a 429 carries. */
  quotaHeaders: quotaHeaderForms,
  /** While it lasts, everything answers 503 with a page. */
  maintenance: ["off", "on"],
} as const;

export type PlangradeSwitches = Switches<typeof switchValues>;

/** The plangrade that the sources make most likely; where they are silent, the one that is harder on the client. */
export const defaultSwitches: Readonly<PlangradeSwitches> = {
  paths: "documents",
  tokenAnswer: "full",
  tokenErrors: "json",
  grantRefusal: 400,
  formerRefresh: "ended",
  formerAccess: "ended",
  deadRefresh: "refused",
  userCredentials: "needed",
  me: "bare",
  userRead: "served",
  envelope: "wrapped",
  createdId: "body",
  updateAnswer: "record",
  deleteStatus: 204,
  bodies: "form",
  updates: "replace",
  invalid: 400,
  errors: "array",
  foreign: 404,
  deleted: 404,
  duplicateEin: "account",
  einLength: "any",
  ein: "text",
  phone: "text",
  blanks: "null",
  companyChange: "refused",
  ssnUpdate: "ignored",
  archived: "hidden",
  quotaHeaders: "none",
  maintenance: "off",
};
