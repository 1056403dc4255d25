/** Writes one company or one participant by its own calls, and believes of the answers what they show. */
import { RemoteError } from "../../../http/errors";
import type { Json } from "../../../record";
import type { Intent, Problem, Result } from "../../connection";
import { attempt, isFailed, isRefusal, later, unsent, type Failed } from "../../failure";
import type { Fields } from "../api/body";
import { wordsOf, type Row } from "../api/envelope";
import { isNotThere, problemOf } from "../api/failure";
import { ARCHIVED, COMPANIES, PARTICIPANTS, SSN, STANDING } from "../objects";
import { reason, type ReasonCode } from "../reasons";
import { recordsOf, type Reading } from "../remote/find";
import { companyOf, idOf, isEmployee, keysOf, remoteRecord, showsArchived } from "../remote/record";
import { overlaid } from "./overlay";

export interface WriteDeps extends Reading {
  /** Fields that a record shows. */
  readonly fieldsOf: (type: string) => readonly string[];
  /** Records over which plangrade fell, or whose answer was lost, since the last one that went well. */
  readonly lost: { inARow: number };
}

export interface Written {
  readonly result: Result;
  readonly problem?: Problem;
}

/** What one kind of write came to; `trouble` is what kept it from an end. */
interface Attempted {
  readonly result: Result;
  readonly trouble?: Failed;
}

/** Never throws for failures at plangrade. */
export async function writeOne(deps: WriteDeps, type: string, intent: Intent): Promise<Written> {
  const { result, trouble } = await WRITERS[intent.kind](deps, type, intent);
  if (trouble === undefined) deps.lost.inARow = 0;
  else if (!isAboutOne(deps, result, trouble)) return { result, problem: problemOf(trouble) };
  return { result };
}

type Writer = (deps: WriteDeps, type: string, intent: Intent) => Promise<Attempted>;

const WRITERS: Readonly<Record<Intent["kind"], Writer>> = {
  create,
  update,
  end: (deps, _type, intent) => archive(deps, intent),
  restart: () => Promise.resolve({ result: skipped("archived") }),
};

/** So many in a row are an outage. */
const OUTAGE = 3;

/** plangrade fell over this one record, or a single answer was lost: others need not wait. */
function isAboutOne({ lost }: WriteDeps, { kind }: Result, trouble: Failed): boolean {
  if (kind !== "unconfirmed" && !(trouble instanceof RemoteError && trouble.status === 500)) return false;
  lost.inARow += 1;
  return lost.inARow < OUTAGE;
}

async function create(deps: WriteDeps, type: string, { fields, parentId }: Intent): Promise<Attempted> {
  const { rest, lists } = deps;
  const ofCompanies = type === COMPANIES.name;
  // plangrade replaces 0 by the participant's own id.
  const body: Fields = ofCompanies ? fields : { ...fields, employee_id: 0 };
  const id = await attempt(() => recordsOf(rest, type).create(body));
  if (isFailed(id)) {
    if (ofCompanies && isRefused(id)) return existing(deps, fields, id);
    if (isRefused(id)) return { result: refused(id) };
    return { result: unsent(id), trouble: id };
  }
  if (id === undefined) {
    if (parentId !== undefined) lists.drop(parentId);
    return { result: { kind: "unconfirmed", message: "plangrade did not say which record it made" } };
  }
  if (ofCompanies) lists.begin(id);
  else if (parentId !== undefined) lists.put(parentId, rowOf(id, fields));
  return { result: { kind: "created", remoteId: id } };
}

/** What was sent, as a list would show it. */
function rowOf(id: string, fields: Intent["fields"]): Row {
  const { [SSN]: _, ...shown } = fields;
  return { ...shown, id, employee_id: id };
}

/**
 * What plangrade says to an EIN that it has already is not known. If exactly one company has it, the engine looks it up and
 * links it; otherwise the refusal stands.
 */
async function existing(deps: WriteDeps, { ein }: Intent["fields"], refusal: RemoteError): Promise<Attempted> {
  const rows = await attempt(() => deps.lists.companies(deps.rest, true));
  if (isFailed(rows)) return { result: later(rows), trouble: rows };
  const fitting = rows.filter((row) => keysOf(COMPANIES.name, row)["ein"] === ein);
  if (fitting.length === 1) {
    return { result: { kind: "unconfirmed", message: "plangrade has a company with this EIN; it is looked up" } };
  }
  return { result: fitting.length > 1 ? skipped("ambiguous", fitting.map(idOf).join(", ")) : refused(refusal) };
}

/** Reads the record, and sends what it shows, overlaid by what changed. */
async function update(deps: WriteDeps, type: string, intent: Intent): Promise<Attempted> {
  const { rest, lists, fieldsOf } = deps;
  const { remoteId = "", fields, parentId } = intent;
  const records = recordsOf(rest, type);
  const ofParticipant = type === PARTICIPANTS.name;
  const failed = (error: Failed): Attempted => {
    // The list that still shows it would lead the next look-up to it again.
    if (ofParticipant && parentId !== undefined && isNotThere(error)) lists.drop(parentId);
    return unwritten(error);
  };
  const row = await attempt(() => records.read(remoteId));
  if (isFailed(row)) return failed(row);
  const barred = ofParticipant ? whyLeftAlone(row, parentId) : undefined;
  if (barred !== undefined) return { result: skipped(barred) };
  const { company_id: _, ...changed } = fields;
  const body = overlaid(type, row, changed);
  const answer = await attempt(() => records.update(remoteId, body));
  if (isFailed(answer)) return failed(answer);
  const now: Row = { ...row, ...withoutSsn(body), ...answer };
  const companyId = companyOf(row) ?? parentId;
  if (ofParticipant && companyId !== undefined) lists.put(companyId, now);
  if (!ofParticipant) lists.drop();
  return { result: { kind: "updated", record: remoteRecord(type, now, fieldsOf(type), companyId) } };
}

function withoutSsn({ [SSN]: _, ...rest }: Fields): Readonly<Record<string, Json>> {
  return rest;
}

/** Somebody else's dependent, somebody archived, or an employee of another company is not written. */
function whyLeftAlone(row: Row, parentId: string | undefined): ReasonCode | undefined {
  if (!isEmployee(row)) return "dependent";
  if (showsArchived(row) === true) return "archived";
  const companyId = companyOf(row);
  const isElsewhere = companyId !== undefined && parentId !== undefined && companyId !== parentId;
  return isElsewhere ? "other_company" : undefined;
}

/** The call archives dependents as well, so it is made only for an employee who is not archived yet. */
async function archive(deps: WriteDeps, { remoteId = "" }: Intent): Promise<Attempted> {
  const { rest, lists, fieldsOf } = deps;
  const row = await attempt(() => rest.participants.read(remoteId));
  if (isFailed(row)) return unwritten(row);
  if (!isEmployee(row)) return { result: skipped("dependent") };
  if (showsArchived(row) !== true) {
    const answer = await attempt(() => rest.participants.archive(remoteId));
    if (isFailed(answer)) {
      if (isNotThere(answer)) return { result: { kind: "gone" } };
      if (isRefusal(answer)) return { result: refused(answer) };
      return { result: unsent(answer), trouble: answer };
    }
  }
  const companyId = companyOf(row);
  if (companyId !== undefined) lists.drop(companyId);
  const record = remoteRecord(PARTICIPANTS.name, row, fieldsOf(PARTICIPANTS.name));
  const fields = { ...record.fields, [STANDING]: ARCHIVED };
  return { result: { kind: "ended", record: { ...record, fields, archived: true } } };
}

/** An update, or the look before one: it is there and refused, not there, or tried again. */
function unwritten(error: Failed): Attempted {
  if (isNotThere(error)) return { result: { kind: "gone" } };
  if (isRefusal(error)) return { result: refused(error) };
  return { result: later(error), trouble: error };
}

/** A new record is refused by 404 when its company is gone: the engine looks for it then. */
const isRefused = (error: Failed): error is RemoteError => isRefusal(error) || isNotThere(error);

function refused(error: RemoteError): Result {
  return { kind: "rejected", message: wordsOf(error), status: error.status ?? 0 };
}

/** @param detail ids of plangrade's */
function skipped(code: ReasonCode, detail?: string): Result {
  return { kind: "skipped", reason: reason(code, detail) };
}
