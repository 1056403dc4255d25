/** `/api/internal/users` described. */
import { CALLERS_STATUS } from "../../../src/services/planhat/users/trouble";
import { changes, listQuery, newUser } from "./input";
import { teamMember, teamMembers } from "./route";
import { BY_LOGIN, ORGANIZATION } from "../../openapi/common";
import { answer, body, inPath, inQuery, type Part } from "../../openapi/part";
import { BODY_REFUSALS, LOGIN_REFUSALS, refusal, refusals } from "../../openapi/refusals";

const NEW = { email: "ann@acme.example", firstName: "Ann", lastName: "Lee", nickName: "Ann" };
const MEMBER = { _id: "5d0000000000000000000a01", ...NEW };
const ID = inPath("userId", "The `_id` of a team member, as the list shows it.");

const BY_PLANHAT = "Planhat refuses it; the message has its words";

const ASKED = [
  ...LOGIN_REFUSALS,
  ...CALLERS_STATUS.map((status) => refusal(status, BY_PLANHAT, "refused_by_planhat")),
  refusal(409, "The connector's settings cannot be used yet", "missing_token", "invalid_settings"),
  refusal(
    502,
    "Planhat refuses the stored token, or gives no usable answer",
    "planhat_token_refused",
    "planhat_unavailable",
  ),
  refusal(503, "No further calls to Planhat are possible at the moment; try again", "planhat_busy"),
  "OtherMethod",
] as const;

const SENT = [
  "OtherSite",
  refusal(400, "The fields cannot be sent; `details` names each bad one", "invalid_user"),
  ...BODY_REFUSALS,
  refusal(415, "The body is not JSON", "unsupported_media_type"),
] as const;

const ONE = [
  "BadPath",
  refusal(400, "The path names no team member", "invalid_user_id"),
  refusal(404, "Planhat has no such user", "user_not_found"),
] as const;

const IN_DOUBT = refusal(502, "After a create without an answer: the user may exist nevertheless", "outcome_unknown");

export const userPart: Part = {
  tag: { name: "Team members", description: "Planhat's users, with the stored token of the connector." },
  schemas: { TeamMember: teamMember, TeamMembers: teamMembers, NewTeamMember: newUser, TeamMemberChanges: changes },
  paths: {
    "/api/internal/users": {
      get: {
        operationId: "listTeamMembers",
        summary: "All team members, at most ten minutes old",
        security: BY_LOGIN,
        parameters: [...ORGANIZATION, ...inQuery(listQuery)],
        responses: { 200: answer("Planhat's records.", "TeamMembers", [MEMBER]), ...refusals("BadQuery", ...ASKED) },
      },
      post: {
        operationId: "createTeamMember",
        summary: "Creates a team member",
        description: "Fields that are not described here are passed on as they are.",
        security: BY_LOGIN,
        parameters: ORGANIZATION,
        requestBody: body("NewTeamMember", NEW),
        responses: {
          200: answer("Planhat's record.", "TeamMember", MEMBER),
          ...refusals(...ASKED, ...SENT, IN_DOUBT),
        },
      },
    },
    "/api/internal/users/{userId}": {
      get: {
        operationId: "getTeamMember",
        summary: "One team member",
        security: BY_LOGIN,
        parameters: [ID, ...ORGANIZATION],
        responses: { 200: answer("Planhat's record.", "TeamMember", MEMBER), ...refusals(...ASKED, ...ONE) },
      },
      put: {
        operationId: "updateTeamMember",
        summary: "Changes a team member",
        description: "Only the fields that are sent change.",
        security: BY_LOGIN,
        parameters: [ID, ...ORGANIZATION],
        requestBody: body("TeamMemberChanges", { nickName: "Annie" }),
        responses: {
          200: answer("Planhat's record.", "TeamMember", { ...MEMBER, nickName: "Annie" }),
          ...refusals(...ASKED, ...SENT, ...ONE),
        },
      },
    },
  },
};
