/** Companies of the user who granted access. */
import { z } from "zod";
import { declare, type Operation } from "../../operations";
import { COMPANIES, PARTICIPANTS } from "../objects";
import type { PlangradeSettings } from "../settings/settings";
import { bodyPart, companyChanges, COMPANY_WORDS, fieldsOf, newCompany } from "./bodies";
import type { Calls } from "./calls";
import {
  CREATED,
  createdAs,
  DONE_PERHAPS,
  LOST,
  recordOperations,
  REFUSALS,
  shownRecord,
  shownRow,
  type Kind,
} from "./records";
import { touchedByNew } from "./touched";

const NEW = { name: "Acme", ein: "123456789" };
const EXAMPLE = { id: 20001, ...NEW, grade: "A+" };

const KIND: Kind = {
  one: "company",
  many: "companies",
  title: "Company",
  tag: { name: "Companies", description: "Companies of the user who granted access." },
  words: COMPANY_WORDS,
  shown: shownRecord(["name", "ein", "grade"]),
  example: EXAMPLE,
  falls: "The company's plans, participants, documents, history and future distributions go with it.",
  type: COMPANIES.name,
  children: PARTICIPANTS.name,
};

export function companyOperations(calls: Calls): readonly Operation<PlangradeSettings>[] {
  return [
    declare({
      id: "listCompanies",
      method: "GET",
      path: "/companies",
      tag: KIND.tag,
      summary: "All companies",
      answer: {
        name: "Companies",
        schema: z.object({ companies: z.array(KIND.shown) }),
        description: "plangrade's companies, in its order.",
        example: { companies: [EXAMPLE] },
      },
      refusals: REFUSALS,
      run: async (asker) => {
        const companies = await calls.granted(asker, (rest) => rest.companies.list());
        return { body: { companies: companies.map(shownRow) } };
      },
    }),
    declare({
      id: "createCompany",
      method: "POST",
      path: "/companies",
      tag: KIND.tag,
      summary: "Creates a company",
      description: "Whether plangrade refuses an `ein` that another company has is not known. Look before you create.",
      body: bodyPart({ name: "NewCompany", schema: newCompany, words: COMPANY_WORDS, example: NEW }),
      answer: CREATED,
      refusals: [...REFUSALS, LOST],
      remembers: ({ body }, answer) => touchedByNew(COMPANIES.name, answer, body),
      run: async (asker, { body }) =>
        calls.granted(asker, async (rest) => createdAs(await rest.companies.create(fieldsOf(body))), DONE_PERHAPS),
    }),
    ...recordOperations(calls, KIND, {
      schema: companyChanges,
      example: NEW,
      summary: "Changes a company",
      description: "`name` and `ein` always.",
    }),
  ];
}
