import { classify, RemoteError, withoutCredentials } from "../../../src/http/errors";
import { OperationError } from "../../../src/services/operations";
import { served } from "../../../src/services/interactive";

const service = {
  name: "acme",
  title: "Acme",
  refused: (status: number, words: string) => `Acme refuses the credentials (${status}): ${words}`,
  wordsIn: String,
};

it("refused credentials are the same trouble, whether the call was refused or the token", async () => {
  const call = { system: "acme", method: "GET", route: "/x" };
  const refused = (status: number, route: string) =>
    new RemoteError({ ...call, route, ...classify(status, {}, 0), status, body: "bad client" });
  const refusals = [refused(401, "/x"), new RemoteError({ ...call, ...withoutCredentials(refused(400, "/token")) })];
  for (const refusal of refusals) {
    const error: unknown = await served(service, () => Promise.reject(refusal)).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(OperationError);
    expect(error).toMatchObject({
      status: 502,
      code: "acme_token_refused",
      message: "Acme refuses the credentials (401): bad client",
    });
  }
});
