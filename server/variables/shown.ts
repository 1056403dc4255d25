/** How the value of a variable is shown to a person: a secret never, an address without the credentials in it. */
import { createRedactor, REDACTED } from "../../src/http/guards/redact";

/** Longer values are cut. */
const MAX_CHARS = 120;

/** Addresses with a password, or with a path that is as good as one. */
const SECRET_ADDRESSES = ["REDIS_URL", "ALERT_WEBHOOK_URL"];

/** Everything that a variable's name gives away as a secret, and secret addresses. A path of tokens, or the hosts of keys, is none. */
export function isSecretVariable(name: string): boolean {
  return SECRET_ADDRESSES.includes(name) || /(?:^|_)(?:SECRET|TOKEN|KEY|PASSWORD)$/.test(name);
}

const redactor = createRedactor();

/** A log-in is one without a protocol in front of it as well. */
function withoutLogin(value: string): string {
  const at = value.lastIndexOf("@");
  return at > 0 && !value.includes("/") && value.slice(0, at).includes(":") ? REDACTED + value.slice(at) : value;
}

const opening = (value: string): string => redactor.opening(withoutLogin(value), MAX_CHARS);

/** For log lines. */
export function shownValue(name: string, value: string): string {
  return isSecretVariable(name) ? "set" : opening(value);
}

/** What was given, as the end of the sentence that refuses it. */
export function givenValue(name: string, value: string): string {
  if (!isSecretVariable(name)) return `, not ${JSON.stringify(opening(value))}`;
  const length = value.length === 1 ? "1 character" : `${value.length} characters`;
  return `; the given one has ${length}${/[^\x21-\x7e]/.test(value) ? ", blanks or letters beyond ASCII among them" : ""}`;
}

/** A sentence about a value may repeat a part of it. */
export const cleaned = (sentence: string): string => redactor.text(sentence);
