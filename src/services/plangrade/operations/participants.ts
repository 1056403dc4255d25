/** Participants: employees and their dependents, whom synchronisation leaves alone. */
import { z } from "zod";
import { parameter } from "../../../input";
import { declare, type Operation } from "../../operations";
import { PARTICIPANTS } from "../objects";
import type { PlangradeSettings } from "../settings/settings";
import { bodyPart, fieldsOf, newParticipant, participantChanges, PARTICIPANT_WORDS } from "./bodies";
import type { Calls } from "./calls";
import { isRecordId, NOT_A_RECORD_ID } from "./forms";
import {
  CREATED,
  createdAs,
  DONE_PERHAPS,
  idPart,
  LOST,
  notFound,
  notThere,
  recordOperations,
  REFUSALS,
  shownId,
  shownRecord,
  shownRow,
  type Kind,
} from "./records";
import { touched, touchedByNew } from "./touched";

const FIELDS = {
  first_name: "Ann",
  last_name: "Lee",
  email: "ann@acme.example",
  phone: "6175550100",
  street1: "1 Main St",
  street2: "",
  city: "Boston",
  state: "MA",
  zip: "02139",
  dob: "1980-01-31",
};
const EXAMPLE = { id: 1042, company_id: 4, employee_id: 1042, ...FIELDS };

const KIND: Kind = {
  one: "participant",
  many: "participants",
  title: "Participant",
  tag: { name: "Participants", description: "Employees of a company, and their dependents." },
  words: PARTICIPANT_WORDS,
  shown: shownRecord(["company_id", "employee_id", ...Object.keys(FIELDS)]),
  example: EXAMPLE,
  falls:
    "The participant's dependents, distributions, history and documents go with it. If archiving is what you want, archive.",
  type: PARTICIPANTS.name,
};

const OF_COMPANY = {
  schema: z.object({
    company_id: parameter.refine(isRecordId, NOT_A_RECORD_ID).meta({ description: "plangrade's id of the company." }),
  }),
  remedies: { company_id: "Send plangrade's id of the company." },
};
const COMPANY = { one: "company" } as const;

export function participantOperations(calls: Calls): readonly Operation<PlangradeSettings>[] {
  return [
    declare({
      id: "listParticipants",
      method: "GET",
      path: "/participants",
      tag: KIND.tag,
      summary: "All participants of a company, dependents included",
      query: OF_COMPANY,
      answer: {
        name: "Participants",
        schema: z.object({ participants: z.array(KIND.shown) }),
        description: "plangrade's participants, in its order. Whether archived ones are among them is not known.",
        example: { participants: [EXAMPLE] },
      },
      refusals: [...REFUSALS, notThere(COMPANY)],
      run: async (asker, { query: { company_id } }) => {
        const call = { missing: notFound(COMPANY) };
        const participants = await calls.granted(asker, (rest) => rest.participants.list(company_id), call);
        return { body: { participants: participants.map(shownRow) } };
      },
    }),
    declare({
      id: "createParticipant",
      method: "POST",
      path: "/participants",
      tag: KIND.tag,
      summary: "Creates an employee or a dependent",
      description:
        "The last four digits of the social security number are sent, and never shown, logged or kept. plangrade does not mind " +
        "creating somebody twice.",
      body: bodyPart({
        name: "NewParticipant",
        schema: newParticipant,
        words: PARTICIPANT_WORDS,
        example: { company_id: 4, employee_id: 0, ...FIELDS, ssn: "1234" },
      }),
      answer: CREATED,
      refusals: [...REFUSALS, LOST],
      remembers: ({ body }, answer) => touchedByNew(PARTICIPANTS.name, answer, body),
      run: async (asker, { body }) =>
        calls.granted(asker, async (rest) => createdAs(await rest.participants.create(fieldsOf(body))), DONE_PERHAPS),
    }),
    ...recordOperations(calls, KIND, {
      schema: participantChanges,
      example: { employee_id: 1042, ...FIELDS },
      summary: "Changes a participant",
      description:
        "`employee_id` always. What plangrade does with other fields that are left out is not known, so read the participant " +
        "and send everything. It cannot be moved to another company.",
    }),
    declare({
      id: "archiveParticipant",
      method: "POST",
      path: "/participants/{id}/archive",
      tag: KIND.tag,
      summary: "Archives a participant and all dependents",
      description: "There is no call that brings an archived participant back.",
      parameters: idPart(KIND),
      answer: {
        ...CREATED,
        description: "The id of the archived participant.",
        status: 200,
      },
      refusals: [...REFUSALS, notThere(KIND), LOST],
      confirm: {
        repeats: "the id in the path",
        falls: "The participant's dependents are archived, too, and no call brings anybody back.",
        value: ({ parameters: { id } }) => id,
      },
      remembers: ({ parameters: { id } }) => touched(KIND.type, id),
      run: async (asker, { parameters: { id } }) => {
        const call = { missing: notFound(KIND), ...DONE_PERHAPS };
        await calls.granted(asker, (rest) => rest.participants.archive(id), call);
        return { body: { id: shownId(id) } };
      },
    }),
  ];
}
