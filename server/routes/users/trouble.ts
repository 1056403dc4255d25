/** The answer when Planhat cannot serve a call about its users, or does not want to. */
import { UsersError, type Trouble } from "../../../src/services/planhat/users/trouble";
import { refuse, type HttpError } from "../../http-error";

const REFUSED_TOKEN = {
  401: "Planhat refuses the stored token. Enter a valid Personal Access Token and API Prefix in the connector's settings.",
  403: "The stored token has no right to this. Grant its service account in Planhat the right to list, create and update users.",
} as const;

const NO_ANSWER = "Planhat gave no usable answer";
const LOOK_FIRST = "and the user may exist nevertheless; read the list with cacheclear=1 before you send it again";

/** @returns errors of any other kind as they are */
export function answerTo(error: unknown): unknown {
  return error instanceof UsersError ? answer(error.trouble) : error;
}

function answer(trouble: Trouble): HttpError {
  switch (trouble.kind) {
    case "not_found":
      return refuse(404, "user_not_found", `Planhat has no such user: ${sentence(trouble.message)}`);
    case "refused":
      return refuse(trouble.status, "refused_by_planhat", `Planhat refuses it: ${sentence(trouble.message)}`);
    case "token":
      return refuse(502, "planhat_token_refused", REFUSED_TOKEN[trouble.status]);
    case "busy":
      return refuse(503, "planhat_busy", "No further calls to Planhat are possible at the moment; try again later.", {
        headers: { "retry-after": String(Math.max(1, Math.ceil(trouble.waitMs / 1_000))) },
      });
    case "failed":
      return refuse(502, "planhat_unavailable", `${NO_ANSWER}; try again later. ${sentence(trouble.message)}`);
    case "in_doubt":
      return refuse(502, "outcome_unknown", `${NO_ANSWER}, ${LOOK_FIRST}. ${sentence(trouble.message)}`);
  }
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
