/** The settings of every service about alerts: where they go, and how many dead letters are worth one. */
import { z } from "zod";
import { readWebhookSecret, WEBHOOK_SECRET_FORM } from "../../http/webhooks/signature";
import { isObject } from "../../json";
import { readUrl } from "../../web-address";
import { text } from "./cells";

const LIMIT_FORM = "a number such as 50, or a share of the last day's records such as 5%";
const LIMIT_ERROR = `must be ${LIMIT_FORM}; enter it again.`;

/** Part of the schema of each service. */
export const ALERT_SETTINGS = {
  alert_webhook_url: text("enter the address again."),
  alert_webhook_secret: text("paste the secret again."),
  alert_dead_letters: z
    .union([z.number({ error: LIMIT_ERROR }).transform(String), z.string({ error: LIMIT_ERROR })], {
      error: LIMIT_ERROR,
    })
    .nullish()
    .transform((value) => (value === undefined || value === null || value.trim() === "" ? undefined : value.trim())),
};

/** How many records of the last day may become dead letters without an alert. */
export type DeadLetterLimit = { readonly count: number } | { readonly share: number };

export interface AlertSettings {
  /** Absent unless an address and a secret are there and can be used. */
  readonly receiver?: { readonly url: string; readonly key: Buffer };
  /** Share: of 1. */
  readonly deadLetters?: DeadLetterLimit;
  /** What a person must mend, each a sentence that names the setting. */
  readonly problems: readonly string[];
}

/** The settings by their titles. */
export const ALERT_TITLES = {
  alert_webhook_url: "Alert webhook address",
  alert_webhook_secret: "Alert webhook secret",
  alert_dead_letters: "Dead letters worth an alert",
} as const;

const {
  alert_webhook_url: URL_TITLE,
  alert_webhook_secret: SECRET_TITLE,
  alert_dead_letters: LIMIT_TITLE,
} = ALERT_TITLES;

/** Never throws: what has the wrong type is a problem of the service's own settings already. */
export function readAlertSettings(privateSettings: unknown): AlertSettings {
  const given = isObject(privateSettings) ? privateSettings : {};
  const url = ALERT_SETTINGS.alert_webhook_url.safeParse(given["alert_webhook_url"]).data;
  const secret = ALERT_SETTINGS.alert_webhook_secret.safeParse(given["alert_webhook_secret"]).data;
  const limit = ALERT_SETTINGS.alert_dead_letters.safeParse(given["alert_dead_letters"]).data;
  const problems: string[] = [];
  const deadLetters = limit === undefined ? undefined : limitOf(limit);
  if (limit !== undefined && deadLetters === undefined)
    problems.push(`${LIMIT_TITLE} is not ${LIMIT_FORM}, so dead letters raise no alert. Enter it again.`);
  const receiver = url === undefined ? undefined : receiverOf(url, secret);
  if (typeof receiver === "string") return { deadLetters, problems: [...problems, receiver] };
  return { receiver, deadLetters, problems };
}

/** @returns a sentence when they cannot be used */
function receiverOf(url: string, secret: string | undefined): string | { readonly url: string; readonly key: Buffer } {
  const read = url.length > 2_000 ? undefined : readUrl(url);
  if (read?.protocol !== "https:" || read.username !== "" || read.password !== "")
    return `${URL_TITLE} is not an address that begins with https:// (without user name and password), so no alert is sent there. Enter it again.`;
  if (secret === undefined)
    return `${SECRET_TITLE} is empty, so no alert is sent. Enter the one that the receiver has: ${WEBHOOK_SECRET_FORM}.`;
  const key = readWebhookSecret(secret);
  return key === undefined
    ? `${SECRET_TITLE} is not ${WEBHOOK_SECRET_FORM}, so no alert is sent. Paste it again.`
    : { url, key };
}

function limitOf(limit: string): DeadLetterLimit | undefined {
  const [, digits = "", percent] = /^(\d{1,9}(?:[.,]\d{1,3})?)\s?(%?)$/.exec(limit) ?? [];
  const value = Number(digits.replace(",", "."));
  if (digits === "") return undefined;
  if (percent === "%") return value <= 100 ? { share: value / 100 } : undefined;
  return Number.isInteger(value) ? { count: value } : undefined;
}
