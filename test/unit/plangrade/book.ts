/** plangrade's book in memory, behind the interface that look-ups and writes use; every call is noted. */
import { classify, RemoteError } from "../../../src/http/errors";
import type { Fields } from "../../../src/services/plangrade/api/body";
import type { Row } from "../../../src/services/plangrade/api/envelope";
import type { Records, Rest } from "../../../src/services/plangrade/api/rest";

export function refusal(status: number, answer: unknown = { errors: ["Refused"] }): RemoteError {
  const facts = { system: "plangrade", method: "POST", route: "/x", status, body: answer, answer };
  return new RemoteError({ ...facts, ...classify(status, {}, 0) });
}

export function lostAnswer(): RemoteError {
  return new RemoteError({
    ...{ system: "plangrade", method: "GET", route: "/x" },
    ...{ kind: "transient", applied: "maybe", failure: "reset" },
  });
}

type Kind = "companies" | "participants";

export class Book {
  readonly companies = new Map<string, Row>();
  readonly participants = new Map<string, Row>();
  /** `list participants 1`, `update companies 4 {…}`. */
  readonly calls: string[] = [];
  /** What the next call of a kind throws: `create companies`. */
  readonly failures = new Map<string, Error>();

  company(id: number, fields: Readonly<Record<string, unknown>>): void {
    this.companies.set(String(id), { id, ...fields });
  }

  /** An employee, unless the fields say otherwise. */
  participant(id: number, company_id: number, fields: Readonly<Record<string, unknown>>): void {
    this.participants.set(String(id), { id, company_id, employee_id: id, ...fields });
  }

  get rest(): Rest {
    const unexpected = (): Promise<never> => Promise.reject(new Error("Nobody expected this call."));
    return {
      me: unexpected,
      users: { read: unexpected, create: unexpected, update: unexpected, remove: unexpected },
      companies: {
        ...this.records("companies"),
        list: () => this.call("list companies", () => [...this.companies.values()]),
      },
      participants: {
        ...this.records("participants"),
        list: (companyId) => this.call("list participants", () => this.peopleOf(companyId), companyId),
        archive: (id) => this.call("archive participants", () => undefined, id),
      },
      activities: unexpected,
      notices: unexpected,
    };
  }

  private peopleOf(companyId: string): readonly Row[] {
    if (!this.companies.has(companyId)) throw refusal(404);
    return [...this.participants.values()].filter((row) => String(row["company_id"]) === companyId);
  }

  private records(kind: Kind): Records {
    const rows = this[kind];
    const rowOf = (id: string): Row => {
      const row = rows.get(id);
      if (row === undefined) throw refusal(404);
      return row;
    };
    return {
      read: (id) => this.call(`read ${kind}`, () => rowOf(id), id),
      create: (fields) =>
        this.call(
          `create ${kind}`,
          () => {
            const id = this.companies.size + this.participants.size + 100;
            rows.set(String(id), { ...fields, id, ...(kind === "participants" && { employee_id: id }) });
            return String(id);
          },
          written(fields),
        ),
      update: (id, fields) =>
        this.call(
          `update ${kind}`,
          () => {
            rows.set(id, { ...rowOf(id), ...fields });
            return undefined;
          },
          `${id} ${written(fields)}`,
        ),
      remove: () => Promise.reject(new Error("Nothing is ever removed.")),
    };
  }

  private async call<T>(name: string, work: () => T, what?: string): Promise<T> {
    this.calls.push(what === undefined ? name : `${name} ${what}`);
    const failure = this.failures.get(name);
    this.failures.delete(name);
    if (failure !== undefined) throw failure;
    return Promise.resolve(work());
  }
}

const written = (fields: Fields): string => JSON.stringify(fields);
