/**
 * What is sent about users, companies and participants, and what is refused before anything is sent. Fields that are not
 * described are passed on as they are.
 */
import { z } from "zod";
import { isJson, isObject } from "../../../json";
import type { InputWords } from "../../../input";
import { isBlank } from "../../mapping/values";
import { badInput, type BodyPart } from "../../operations";
import type { Fields } from "../api/body";
import { SSN } from "../objects";
import {
  day,
  ein,
  email,
  id,
  isRecordId,
  name,
  newEmployee,
  optionalEmail,
  optionalLastFour,
  optionalPhone,
  optionalText,
  zip,
} from "./forms";

const OBJECT = "must be an object";
const noId = z.undefined("must not be there").optional();
const anyId = z.union([z.string(), z.number()], "must be a text or a number").optional();

const user = { name, email };
const company = { name, ein };

/** Required in a create; an update may leave them out, but not empty them. */
const required = {
  first_name: name,
  last_name: name,
  street1: name,
  city: name,
  state: name,
  zip,
  dob: day,
  company_id: id,
};
const further = { email: optionalEmail, phone: optionalPhone, street2: optionalText };

export const newUser = z.looseObject({ ...user, id: noId }, OBJECT);
export const userChanges = z.looseObject({ ...user, id: anyId }, OBJECT);
export const newCompany = z.looseObject({ ...company, id: noId }, OBJECT);
export const companyChanges = z.looseObject({ ...company, id: anyId }, OBJECT);

export const newParticipant = z
  .looseObject(
    {
      ...required,
      ...further,
      employee_id: newEmployee.meta({
        description: "0 for an employee, which plangrade replaces by the new id; the employee's id for a dependent.",
      }),
      ssn: optionalLastFour.meta({
        description: "The last four digits of the social security number. An employee needs them.",
      }),
      id: noId,
    },
    OBJECT,
  )
  .refine(hasNumber, { path: [SSN], error: "is missing", when: ({ value }) => isObject(value) });

export const participantChanges = z.looseObject(
  {
    ...z.object(required).partial().shape,
    ...further,
    employee_id: id.meta({ description: "Of an employee the own id; of a dependent that of the employee." }),
    ssn: optionalLastFour,
    id: anyId,
  },
  OBJECT,
);

/** Whoever is to be an employee needs it; of a dependent it may be left out. */
function hasNumber(fields: Readonly<Record<string, unknown>>): boolean {
  const { employee_id: employee, [SSN]: number } = fields;
  return String(employee) !== "0" || !isBlank(number);
}

const LEAVE_OUT_ID = "Leave it out: plangrade gives the id, and an update names it in the address.";
const NAME = "Send the name, which plangrade always needs.";

export const USER_WORDS: InputWords = {
  code: "invalid_user",
  problem: "The user cannot be sent",
  remedies: {
    "(body)": "Send a JSON object with name and email.",
    name: NAME,
    email: "Send a valid e-mail address, which plangrade always needs.",
    id: LEAVE_OUT_ID,
  },
};

export const COMPANY_WORDS: InputWords = {
  code: "invalid_company",
  problem: "The company cannot be sent",
  remedies: {
    "(body)": "Send a JSON object with name and ein.",
    name: NAME,
    ein: "Send the employer identification number as a text of digits alone, which plangrade always needs.",
    id: LEAVE_OUT_ID,
  },
};

export const PARTICIPANT_WORDS: InputWords = {
  code: "invalid_participant",
  problem: "The participant cannot be sent",
  remedies: {
    "(body)": "Send a JSON object with plangrade's fields of a participant.",
    company_id: "Send the id of the company.",
    employee_id:
      "Send the id of the employee, which is an employee's own id, or 0 to create an employee; plangrade always needs it.",
    first_name: "Send the first name.",
    last_name: "Send the last name.",
    street1: "Send the street.",
    city: "Send the city.",
    state: "Send the state.",
    zip: "Send a text of five digits, such as 02139.",
    dob: "Send the day of birth, such as 1980-01-31.",
    email: "Send an e-mail address, an empty text, or leave it out.",
    phone: "Send a text of ten digits, such as 6175550100, an empty text, or leave it out.",
    ssn: "Send the last four digits of the social security number as a text; an employee cannot be created without.",
    id: LEAVE_OUT_ID,
  },
};

const MAX_BODY = {
  refused: "The fields cannot be sent; `details` names each bad one",
  maxBytes: 1024 * 1024,
  smaller: "send only plangrade's fields",
};

export function bodyPart<T>(of: Pick<BodyPart<T>, "name" | "schema" | "words" | "example">): BodyPart<T> {
  return { ...of, ...MAX_BODY };
}

type Given = Readonly<Record<string, unknown>>;

/** What is sent on, as it came. */
export function fieldsOf(body: Given): Fields {
  return Object.fromEntries(Object.entries(body).flatMap(([field, value]) => (isJson(value) ? [[field, value]] : [])));
}

/** A record that was read may be sent back with its id. @throws OperationError when it is another one */
export function changesOf({ id: own, ...fields }: Given, named: string, words: InputWords): Fields {
  if (own === undefined || (isRecordId(own) && String(own) === named)) return fieldsOf(fields);
  throw badInput(words, [{ path: ["id"], message: "differs from the id in the address" }]);
}
