/** What plangrade keeps (sheet 1), under the names that its API gives it. Empty fields are empty texts. */

/** Somebody who logs in to plangrade, and grants applications access to what they manage. */
export interface User {
  readonly id: number;
  readonly name: string;
  readonly email: string;
}

export interface Company {
  readonly id: number;
  readonly ein: string;
  readonly name: string;
  /** A+ to F. */
  readonly grade: string;
  /** Ids of users whose account it is in. Without any, only plangrade's administrators reach it. */
  readonly managers: readonly number[];
}

export type ParticipantField =
  ("first_name" | "last_name" | "email" | "phone") | ("street1" | "street2" | "city" | "state" | "zip" | "dob");

/** An employee, whose `employee_id` is the own id, or a dependent of one. */
export interface Participant extends Readonly<Record<ParticipantField, string>> {
  readonly id: number;
  readonly company_id: number;
  readonly employee_id: number;
  /** Last four digits. Never answered. */
  readonly ssn: string;
  readonly archived: boolean;
}

/** Read-only in the API: people of plangrade make them. */
export interface Activity {
  readonly id: number;
  readonly name: string;
  readonly start_time: string;
}

export interface Notice {
  readonly id: number;
  readonly name: string;
  readonly plan_name: string;
  /** Of a PDF. */
  readonly link: string;
  readonly created_at: string;
}

export type RecordType = "user" | "company" | "participant";

export const isEmployee = ({ id, employee_id }: Participant): boolean => id === employee_id;
