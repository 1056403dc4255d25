/** Kinds of environment variables. Each says in one clause what a value must be; `refused.ts` makes a sentence of it. */
import express from "express";
import { z } from "zod";
import { createHostAllowList, HostPatternError } from "../../src/http/guards/hosts";
import { readWebhookSecret, WEBHOOK_SECRET_FORM } from "../../src/http/webhooks/signature";
import { readUrl } from "../../src/web-address";

/** Whole numbers in decimal digits: `0x10`, `1e4` and `1_000` are more likely to be a slip than meant. */
export function wholeNumber(least: number, most: number): z.ZodType<number> {
  return z.string().transform((digits, context) => {
    const value = /^\d{1,15}$/.test(digits) ? Number(digits) : NaN;
    if (value >= least && value <= most) return value;
    context.addIssue({ code: "custom", message: `must be a whole number from ${least} to ${most}, in digits alone` });
    return z.NEVER;
  });
}

export function oneOf<const T extends readonly [string, ...string[]]>(values: T): z.ZodType<T[number]> {
  const [first, ...more] = values;
  const last = more.pop();
  return z.enum(values, { error: `must be ${[first, ...more].join(", ")}${last === undefined ? "" : ` or ${last}`}` });
}

export const yesOrNo = z.stringbool({ error: "must be on or off (true or false, yes or no, 1 or 0)" });

/** Of those who run the server. */
export const token = z
  .string()
  .regex(/^[\x21-\x7e]{16,}$/, "must have at least 16 characters, ASCII without blanks, preferably random");

/** Signs webhooks. */
export const webhookSecret = z
  .string()
  .refine((secret) => readWebhookSecret(secret) !== undefined, `must be ${WEBHOOK_SECRET_FORM}`);

/** Comma list of host patterns. */
export const hosts = (defaults: string): z.ZodType<readonly string[]> =>
  z
    .string()
    .default(defaults)
    .transform((list, context) => {
      const patterns = itemsOf(list);
      try {
        createHostAllowList(patterns);
      } catch (error) {
        const why = error instanceof HostPatternError ? ` ("${error.pattern}": ${error.problem})` : "";
        const message = `must be a comma list of hosts such as *.hullapp.io, files.example.com:8443, 127.0.0.1:*${why}`;
        context.addIssue({ code: "custom", message });
      }
      return patterns;
    });

/** Comma list of origins exactly as browsers send them, so that they can be compared as strings. */
export const origins = z
  .string()
  .default("")
  .transform((list, context) => {
    const named = itemsOf(list);
    if (!named.every(isOrigin)) {
      const message = "must be a comma list of origins such as https://app.example.com, without paths and without *";
      context.addIssue({ code: "custom", message });
    }
    return named;
  });

/** What Express calls "trust proxy". */
export const proxies = z
  .string()
  .optional()
  .transform((value, context) => {
    const trusted = value === undefined || value === "" || value === "off" ? false : proxyValue(value);
    try {
      express().set("trust proxy", trusted);
    } catch {
      const message =
        "must be off, on, a number of hops, a preset (loopback, linklocal, uniquelocal) or a comma list of addresses";
      context.addIssue({ code: "custom", message });
    }
    return trusted;
  });

export function itemsOf(list: string): readonly string[] {
  return list
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "");
}

function isOrigin(text: string): boolean {
  return /^https?:[^*]+$/.test(text) && readUrl(text)?.origin === text;
}

function proxyValue(value: string): number | string | boolean {
  if (/^\d+$/.test(value)) return Number(value);
  return value === "on" || value === "true" ? true : value;
}
