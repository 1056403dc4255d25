/** What callers of `/api/internal/users` may send: every problem is named, and what only Planhat can judge passes. */
import type { Request } from "express";
import { z } from "zod";
import { refuse } from "../../http-error";
import { badInput, flagParameter, isId, MAX_ID_LENGTH, readInput } from "../../middleware/input";

const LIST_WORDS = {
  code: "invalid_query",
  problem: "The query cannot be read",
  remedies: { cacheclear: "Send cacheclear=1 for a list that is read now, or leave it out." },
};

export const listQuery = z.object({
  cacheclear: flagParameter.meta({ description: "A list that is read now, and not one of the last ten minutes." }),
});

/** Whether a cached list is not good enough. */
export function readsAnew(request: Request): boolean {
  return readInput(listQuery, request.query, LIST_WORDS).cacheclear;
}

const ID_WORDS = {
  code: "invalid_user_id",
  problem: "The address names no team member",
  remedies: { userId: "Send the _id of a team member, as the list shows it." },
};

/** It becomes part of Planhat's path. Encoded it could not leave it, but servers on the way may decode it. */
const pathId = z.object({
  userId: z
    .string()
    .refine(
      (id) => isId(id) && !/[/\\%?#]|^\.+$/.test(id),
      `must have 1 to ${MAX_ID_LENGTH} printable ASCII characters other than / \\ % ? # and not only dots`,
    ),
});

export function readUserId(request: Request<{ userId: string }>): string {
  return readInput(pathId, request.params, ID_WORDS).userId;
}

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

export const changes = z.looseObject(
  { ...described, email: email.optional(), firstName: name.optional(), lastName: name.optional() },
  "must be an object",
);

export const MAX_BODY_BYTES = 1024 * 1024;

export type BodyReader = (request: Request) => Promise<unknown>;

export async function readNewUser(request: Request, read: BodyReader): Promise<Readonly<Record<string, unknown>>> {
  return readInput(newUser, await jsonIn(request, read), BODY_WORDS);
}

/** @param id from the address; a record that was read may be sent back with its id */
export async function readChanges(
  request: Request,
  read: BodyReader,
  id: string,
): Promise<Readonly<Record<string, unknown>>> {
  const { _id = id, ...fields } = readInput(changes, await jsonIn(request, read), BODY_WORDS);
  if (_id !== id) throw badInput(BODY_WORDS, [{ path: ["_id"], message: "differs from the id in the address" }]);
  if (Object.keys(fields).length > 0) return fields;
  throw badInput(BODY_WORDS, [{ path: ["(body)"], message: "has no field to change" }]);
}

/** Forms and plain text are not read, since any page may post them without a preflight. */
function jsonIn(request: Request, read: BodyReader): Promise<unknown> {
  if (request.is(["application/json", "application/*+json"]) === false) {
    throw refuse(415, "unsupported_media_type", "Send JSON, with content-type: application/json.");
  }
  return read(request);
}
