/** Pages of the console as a browser gets them, and what stands on them. */
import { basic, send as sendAnything, type Answer, type Sent } from "./asking";
import { CONNECTOR } from "./edge";

export const login = (owner = CONNECTOR): Record<string, string> => ({ authorization: basic(owner) });

/** Every answer of the console is a page under its policy, or leads to one. */
export async function send(baseUrl: string, path: string, sent: Sent = {}): Promise<Answer> {
  const answer = await sendAnything(baseUrl, path, sent);
  const { headers, status, text } = answer;
  const policy = headers.get("content-security-policy") ?? "";
  expect(policy).toMatch(/default-src 'none'.*style-src 'self'.*form-action 'self'.*frame-ancestors 'none'/);
  expect(policy).not.toMatch(/unsafe|script-src|https?:|\*/);
  expect(headers.get("cache-control")).toBe("no-store");
  expect(headers.get("referrer-policy")).toBe("same-origin");
  expect(headers.get("x-content-type-options")).toBe("nosniff");
  if (status !== 303) {
    expect(headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(text).toMatch(/^<!doctype html>\s*<html lang="en">/);
    expect(text).not.toMatch(/<script|<style|\son\w+=|\sstyle=|javascript:/i);
  }
  return answer;
}

/** What stands in one part of the page. */
export function partOf({ text }: Answer, anchor: string): string {
  const [, part = ""] = new RegExp(`<section id="${anchor}"(.*?)</section>`, "s").exec(text) ?? [];
  return part
    .replaceAll("<wbr />", "")
    .replaceAll(/<[^>]*>/g, " ")
    .replaceAll(/\s+/g, " ");
}

/** The token in the form that posts to a path. */
export function tokenIn({ text }: Answer, path: string): string {
  const form = text.split("<form").find((each) => each.includes(`action="${path}`)) ?? "";
  return /name="token" value="([\w-]+)"/.exec(form)?.[1] ?? "";
}

/** Where a page sends the browser, `&amp;` read. */
export const linksIn = ({ text }: Answer): readonly string[] =>
  [...text.matchAll(/href="([^"]+)"/g)].map(([, address = ""]) => address.replaceAll("&amp;", "&"));
