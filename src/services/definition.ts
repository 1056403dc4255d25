/** What is known of a service before it is built: its name, its words, and the environment variables that it reads. */
import { z } from "zod";
import type { HttpClientOptions } from "../http/client";
import type { BudgetRegistry } from "../http/limits/budget";
import type { GateRegistry } from "../http/limits/gate";
import type { Face } from "./face";
import type { Service } from "./service";
import { readUrl } from "../web-address";

/** Passed on to every HTTP client: agents, time-outs, clock, sleep, random, log. */
export type HttpOptions = Omit<Partial<HttpClientOptions>, "system" | "baseUrl" | "auth" | "budget" | "gate">;

/** What every way to a service is made with. */
export interface ConnectionOptions {
  /** Shared request budgets; without them nothing is throttled. */
  readonly budgets?: BudgetRegistry | undefined;
  /** Shared limits of calls at a time; without them each service keeps its own. */
  readonly gates?: GateRegistry | undefined;
  readonly http?: HttpOptions | undefined;
}

/** What a service is built from. */
export interface ServiceContext extends ConnectionOptions {
  /** Key of the hashes that show changed credentials and values without containing them. */
  readonly fingerprintKey: string;
  /** How long a person or a program waits for an operation, milliseconds. */
  readonly answerWithinMs: number;
}

export interface ServiceDefinition {
  /** Its path, the beginning of its tenants' keys, and the group of its attributes in Hull. */
  readonly name: string;
  readonly face: Face;
  /** Environment variables, each described by a sentence; they may be unset. */
  readonly variables: z.ZodRawShape;
  /** Its longest call takes as many times the usual time-out, where that is more than twice. */
  readonly longestCall?: number;
  /** @param variables values as their schemas read them */
  create(variables: Readonly<Record<string, unknown>>, context: ServiceContext): Service<unknown>;
}

/** An address of the web, in an environment variable. */
export const webAddress = z
  .string()
  .refine(isWebAddress, "must be an address that begins with https:// (or http:// for a stand-in)");

/** The root of a service's API, in an environment variable; what is in braces is replaced. */
export const rootAddress = z
  .string()
  .refine(
    (address) => isWebAddress(address.replaceAll(/\{\w+\}/g, "x")),
    "must begin with https:// (or http:// for a stand-in)",
  );

function isWebAddress(address: string): boolean {
  return /^https?:\/\/[^\s{}]+$/.test(address) && readUrl(address) !== undefined;
}

/** Declares a service; what it is built from has the types of its variables. */
export function defineService<V extends z.ZodRawShape>(
  definition: Omit<ServiceDefinition, "variables" | "create"> & {
    readonly variables: V;
    create(variables: z.output<z.ZodObject<V>>, context: ServiceContext): Service<unknown>;
  },
): ServiceDefinition {
  // The environment was read with these very schemas.
  return { ...definition, create: (values, context) => definition.create(values as z.output<z.ZodObject<V>>, context) };
}
