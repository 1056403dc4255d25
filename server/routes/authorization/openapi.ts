/** `/authorize` described. */
import { z } from "zod";
import { header, page } from "../../console/openapi";
import { organizationQuery } from "../../middleware/organization";
import { BY_LOGIN, BY_QUERY, FOR_ALL } from "../../openapi/common";
import { answer, inQuery, ref, type Part } from "../../openapi/part";
import { QUERY_REFUSALS, refusals } from "../../openapi/refusals";

const revokedAnswer = z.object({
  revoked: z.boolean().meta({ description: "Whether there was anything to forget." }),
});

const callbackQuery = z.object({
  code: z.string().optional().meta({ description: "Given by {{service}}; serves once." }),
  state: z.string().optional().meta({ description: "Ours, as it went out; serves once." }),
  error: z.string().optional().meta({ description: "Why nothing was granted, such as `access_denied`." }),
});

const confirmation = z.object({ state: z.string().meta({ description: "From the form." }) });

const EITHER = [...BY_QUERY, ...BY_LOGIN];
/** Of the log-in; the credentials of Hull's links name the organization themselves. */
const OF_LOGIN = inQuery(z.object({ org: organizationQuery.shape.org.optional() }));
const PAGES = {
  200: page("What was done; or the question whether another account is meant."),
  400: page("The state is missing, damaged, too old, or has served already."),
  403: page("It was not begun in this browser."),
  404: page("The connector is not known any more."),
  409: page("Somebody has authorized the connector again meanwhile."),
};

export const authorizationPart: Part = {
  tag: { name: "Authorization", description: "Where a person grants the connector access to {{service}}." },
  schemas: { Revoked: revokedAnswer, AuthorizationForm: confirmation },
  paths: {
    "/authorize": {
      get: {
        operationId: "authorize",
        summary: "Leads the browser to {{service}}, which asks the person",
        description:
          "A cookie binds what comes back to this browser for ten minutes. The credentials are those of Hull's links, or " +
          "the log-in of the console.",
        security: EITHER,
        parameters: OF_LOGIN,
        responses: {
          302: {
            description: "To {{service}}.",
            headers: { Location: header("Its page."), "Set-Cookie": header("For the way back.") },
          },
          400: page("The credentials cannot be read."),
          401: page("No log-in, or Hull refuses it.", { "WWW-Authenticate": header("How to log in.") }),
          402: page("Hull says that the organization is disabled."),
          403: page("The organization may not use this connector; or the connector is of another kind."),
          404: page("Hull does not know the connector."),
          409: page("The settings lack what the page of {{service}} needs."),
          429: page("Too many failed log-ins; wait before the next one."),
          503: page("Hull could not be asked; try again."),
        },
      },
      delete: {
        operationId: "revokeAuthorization",
        summary: "Forgets what was granted; {{service}} is not told",
        description: "Messages wait until a person authorizes the connector again.",
        security: EITHER,
        parameters: OF_LOGIN,
        responses: {
          200: answer("It is forgotten.", "Revoked", { revoked: true }),
          ...refusals(...QUERY_REFUSALS, "OtherMethod"),
        },
      },
    },
    "/authorize/callback": {
      get: {
        operationId: "finishAuthorization",
        summary: "Where {{service}} sends the browser back to",
        security: FOR_ALL,
        parameters: inQuery(callbackQuery),
        responses: { ...PAGES, 502: page("{{service}} did not exchange the code.") },
      },
      post: {
        operationId: "confirmAccount",
        summary: "Says that the other account is meant; for the form of the page",
        security: FOR_ALL,
        requestBody: {
          required: true,
          content: { "application/x-www-form-urlencoded": { schema: ref("AuthorizationForm") } },
        },
        responses: PAGES,
      },
    },
  },
};
