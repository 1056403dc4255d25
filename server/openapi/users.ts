/** `/api/internal/users` described. */
import { changes, listQuery, newUser } from "../routes/user-input";
import { teamMember, teamMembers } from "../routes/users";
import { BY_LOGIN, LOGIN_REFUSALS, ORGANIZATION, refusals } from "./common";
import { answer, body, inPath, inQuery, type Part } from "./part";

const NEW = { email: "ann@acme.example", firstName: "Ann", lastName: "Lee", nickName: "Ann" };
const MEMBER = { _id: "5d0000000000000000000a01", ...NEW };
const ID = inPath("userId", "The `_id` of a team member, as the list shows it.");

const ASKED = [...LOGIN_REFUSALS, "NotReady", "Unprocessable", "BadAnswer", "OtherMethod"] as const;
const SENT = ["TooLarge", "OtherContent"] as const;

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
        responses: { 200: answer("Planhat's records.", "TeamMembers", [MEMBER]), ...refusals(...ASKED, "NotFound") },
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
          ...refusals(...ASKED, ...SENT, "NotFound"),
        },
      },
    },
    "/api/internal/users/{userId}": {
      get: {
        operationId: "getTeamMember",
        summary: "One team member",
        security: BY_LOGIN,
        parameters: [ID, ...ORGANIZATION],
        responses: { 200: answer("Planhat's record.", "TeamMember", MEMBER), ...refusals(...ASKED, "NotFound") },
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
          ...refusals(...ASKED, ...SENT, "NotFound"),
        },
      },
    },
  },
};
