/** `/api/internal/alerts/test` described. */
import { BY_LOGIN, ORGANIZATION } from "../../openapi/common";
import { answer, type Part } from "../../openapi/part";
import { LOGIN_REFUSALS, refusal, refusals } from "../../openapi/refusals";
import { ALERT_TEST, alertTestAnswer } from "./route";

export const alertPart: Part = {
  tag: { name: "Alerts", description: "Messages that say when the connector needs a person." },
  schemas: { AlertTest: alertTestAnswer },
  paths: {
    [ALERT_TEST]: {
      post: {
        operationId: "testAlert",
        summary: "Sends a test to the receiver of alerts that the settings name",
        description: "One message of the type `alert.test`, signed as all are. It is not sent again.",
        security: BY_LOGIN,
        parameters: [...ORGANIZATION],
        responses: {
          200: answer("The receiver has taken it.", "AlertTest", { taken: true }),
          ...refusals(
            ...LOGIN_REFUSALS,
            "OtherSite",
            "OtherMethod",
            refusal(409, "The settings name no receiver that can be used", "no_alert_receiver"),
            refusal(502, "The receiver has not taken the message; the error says why", "alert_not_taken"),
          ),
        },
      },
    },
  },
};
