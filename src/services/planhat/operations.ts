/**
 * `/api/internal/users`: Planhat's team members, read and written with the stored token. Answers are Planhat's own
 * records. Every problem of what is sent is named, and what only Planhat can judge passes.
 */
import { z } from "zod";
import { flagParameter, pathIdParameter } from "../../input";
import { badInput, declare, type Operation } from "../operations";
import { refusalsOf } from "../interactive";
import type { PlanhatSettings } from "./settings/settings";
import { PLANHAT, type PlanhatUsers } from "./users";

const TAG = { name: "Team members", description: "Planhat's users, with the stored token of the connector." };
const NEW = { email: "ann@acme.example", firstName: "Ann", lastName: "Lee", nickName: "Ann" };
const MEMBER = { _id: "5d0000000000000000000a01", ...NEW };
const MAX_BODY = { maxBytes: 1024 * 1024, smaller: "send only the fields that change" };

const listQuery = z.object({
  cacheclear: flagParameter.meta({ description: "A list that is read now, and not one of the last ten minutes." }),
});

const BODY_WORDS = {
  code: "invalid_user",
  problem: "The team member cannot be sent",
  remedies: {
    "(body)": "Send a JSON object with Planhat's fields of a user.",
    email: "Send the e-mail address.",
    firstName: "Send the first name.",
    lastName: "Send the last name.",
    roles: "Send a list of role ids.",
    custom: "Send an object with the names of the custom fields.",
    _id: "Leave it out: Planhat gives the id, and an update names it in the address.",
  },
};
const BAD_BODY = "The fields cannot be sent; `details` names each bad one";

const text = z.string({ error: ({ input }) => (input === undefined ? "is missing" : "must be a text") });
const name = text.refine((given) => given.trim() !== "", "is empty");
const email = text.regex(/^[^\s@]+@[^\s@]+$/, "must be an e-mail address");
const flag = z.boolean("must be true or false").nullish();

/** The fields that Planhat documents (planhat.com/developers/api/user); others pass unchanged. */
const described = {
  nickName: text.nullish(),
  externalId: text.nullish(),
  roles: z.array(z.unknown(), "must be a list").nullish(),
  inactive: flag,
  isHidden: flag,
  notificationsEnabled: flag,
  isExposedAsSenderOption: flag,
  custom: z.record(z.string(), z.unknown(), "must be an object").nullish(),
};

/** A single create needs these three; a bulk call would need nickName too. */
export const newUser = z.looseObject(
  { ...described, email, firstName: name, lastName: name, _id: z.undefined("must not be there").optional() },
  "must be an object",
);

const changes = z.looseObject(
  { ...described, email: email.optional(), firstName: name.optional(), lastName: name.optional() },
  "must be an object",
);

/** Planhat's own record: it is passed on unchanged. */
const teamMember = z.looseObject({
  _id: z.string(),
  email: z.string().nullish(),
  firstName: z.string().nullish(),
  lastName: z.string().nullish(),
});

const ID = {
  schema: z.object({
    userId: pathIdParameter.meta({ description: "The `_id` of a team member, as the list shows it." }),
  }),
  words: {
    code: "invalid_user_id",
    problem: "The address names no team member",
    remedies: { userId: "Send the _id of a team member, as the list shows it." },
  },
  refused: "The path names no team member",
};

const answer = (example: unknown) => ({
  name: "TeamMember",
  schema: teamMember,
  description: "Planhat's record.",
  example,
});

const ANY = refusalsOf(PLANHAT);
const OF_ONE = [...ANY, { status: 404, text: "Planhat has no such user", codes: ["user_not_found"] } as const];
const OF_NEW = [
  ...ANY,
  {
    status: 502,
    text: "After a create without an answer: the user may exist nevertheless",
    codes: ["outcome_unknown"],
  } as const,
];

export function planhatOperations(users: PlanhatUsers): readonly Operation<PlanhatSettings>[] {
  return [
    declare({
      id: "listTeamMembers",
      method: "GET",
      path: "/users",
      tag: TAG,
      summary: "All team members, at most ten minutes old",
      query: {
        schema: listQuery,
        remedies: { cacheclear: "Send cacheclear=1 for a list that is read now, or leave it out." },
      },
      answer: {
        name: "TeamMembers",
        schema: z.array(teamMember),
        description: "Planhat's records.",
        example: [MEMBER],
      },
      refusals: ANY,
      run: async (asker, { query: { cacheclear } }) => ({ body: await users.list(asker, cacheclear) }),
    }),
    declare({
      id: "createTeamMember",
      method: "POST",
      path: "/users",
      tag: TAG,
      summary: "Creates a team member",
      description: "Fields that are not described here are passed on as they are.",
      body: {
        name: "NewTeamMember",
        schema: newUser,
        example: NEW,
        words: BODY_WORDS,
        refused: BAD_BODY,
        ...MAX_BODY,
      },
      answer: answer(MEMBER),
      refusals: OF_NEW,
      run: async (asker, { body }) => ({ body: await users.create(asker, body) }),
    }),
    declare({
      id: "getTeamMember",
      method: "GET",
      path: "/users/{userId}",
      tag: TAG,
      summary: "One team member",
      parameters: ID,
      answer: answer(MEMBER),
      refusals: OF_ONE,
      run: async (asker, { parameters: { userId } }) => ({ body: await users.get(asker, userId) }),
    }),
    declare({
      id: "updateTeamMember",
      method: "PUT",
      path: "/users/{userId}",
      tag: TAG,
      summary: "Changes a team member",
      description: "Only the fields that are sent change.",
      parameters: ID,
      body: {
        name: "TeamMemberChanges",
        schema: changes,
        example: { nickName: "Annie" },
        words: BODY_WORDS,
        refused: BAD_BODY,
        ...MAX_BODY,
      },
      answer: answer({ ...MEMBER, nickName: "Annie" }),
      refusals: OF_ONE,
      run: async (asker, { parameters: { userId }, body }) => ({
        body: await users.update(asker, userId, changesOf(body, userId)),
      }),
    }),
  ];
}

/** A record that was read may be sent back with its id. */
function changesOf({ _id, ...fields }: z.output<typeof changes>, userId: string): Readonly<Record<string, unknown>> {
  if (_id !== undefined && _id !== userId) {
    throw badInput(BODY_WORDS, [{ path: ["_id"], message: "differs from the id in the address" }]);
  }
  if (Object.keys(fields).length > 0) return fields;
  throw badInput(BODY_WORDS, [{ path: ["(body)"], message: "has no field to change" }]);
}
