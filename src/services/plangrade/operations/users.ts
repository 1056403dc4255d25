/** plangrade's own users: the people who log in there, one of whom granted the connector access. */
import { z } from "zod";
import { optionalFlagParameter } from "../../../input";
import { declare, type Operation } from "../../operations";
import type { PlangradeSettings } from "../settings/settings";
import { bodyPart, fieldsOf, newUser, userChanges, USER_WORDS } from "./bodies";
import type { Calls } from "./calls";
import {
  CREATED,
  createdAs,
  DONE_PERHAPS,
  LOST,
  recordOperations,
  REFUSALS,
  shownRecord,
  shownRow,
  type Kind,
} from "./records";

const NEW = { name: "Olive Operator", email: "olive@acme.example" };
const EXAMPLE = { id: 1001, ...NEW };

const KIND: Kind = {
  one: "user",
  many: "users",
  title: "User",
  tag: {
    name: "Users",
    description:
      "plangrade's own users, the people who log in there. All but creating one need the access that one granted.",
  },
  words: USER_WORDS,
  shown: shownRecord(["name", "email"]),
  example: EXAMPLE,
  falls:
    "The user's association with companies goes with it. The companies stay, but one without another manager is reached by plangrade's administrators alone.",
};

export function userOperations(calls: Calls): readonly Operation<PlangradeSettings>[] {
  return [
    declare({
      id: "createUser",
      method: "POST",
      path: "/users",
      tag: KIND.tag,
      summary: "Creates a user of plangrade",
      description: "Needs no access that somebody granted: key and secret of the application go along in the body.",
      query: {
        schema: z.object({
          send_application: optionalFlagParameter.meta({
            description:
              "Whether key and secret of the application go along as `client_id` and `client_secret`; they do when left out.",
          }),
        }),
        remedies: { send_application: "Send true or false, or leave it out." },
      },
      body: bodyPart({ name: "NewUser", schema: newUser, words: USER_WORDS, example: NEW }),
      answer: CREATED,
      refusals: [...REFUSALS, LOST],
      run: async (asker, { query: { send_application: proves = true }, body }) =>
        calls.open(asker, async (rest) => createdAs(await rest.users.create(fieldsOf(body), proves)), DONE_PERHAPS),
    }),
    ...recordOperations(calls, KIND, {
      schema: userChanges,
      example: NEW,
      summary: "Changes a user",
      description: "`name` and `email` always.",
    }),
    declare({
      id: "getMe",
      method: "GET",
      path: "/me",
      tag: KIND.tag,
      summary: "The user who granted access",
      answer: { name: "Me", schema: KIND.shown, description: "plangrade's user.", example: EXAMPLE },
      refusals: REFUSALS,
      run: async (asker) => ({ body: shownRow(await calls.granted(asker, (rest) => rest.me())) }),
    }),
  ];
}
