/** Writes one employee by its own call, and believes of the answer what it shows. */
import { RemoteError } from "../../../http/errors";
import { foldedKey } from "../../../record";
import type { Intent, Problem, Result } from "../../connection";
import { attempt, isFailed, isRefusal, later, unsent, type Failed } from "../../failure";
import { isBlank } from "../../mapping/values";
import type { RemoteRecord } from "../../model";
import { isActiveAlready, isSsnTaken, isTerminatedAlready, isUnknownEmployee, wordsOf } from "../api/envelope";
import { problemOf } from "../api/failure";
import type { Row } from "../api/rest";
import { fieldSpec, SUBSCRIBERS } from "../objects";
import { reason } from "../reasons";
import { addressed, type Address, type Ways } from "../remote/address";
import { readOne } from "../remote/find";
import type { Blank, Learnt } from "../remote/learnt";
import { codeOf, idOf, remoteRecord } from "../remote/record";
import type { PlanSourceSettings } from "../settings/settings";
import { fieldsBody, rehireBody, terminationBody } from "./body";

export interface WriteDeps {
  readonly ways: Ways;
  readonly settings: Pick<PlanSourceSettings, "dateFormat" | "terminationFlagName">;
  /** Fields that a record shows. */
  readonly fields: readonly string[];
  readonly learnt: Learnt;
  /** Answers that were lost since the last one that came, to calls that must not be repeated blindly. */
  readonly lost: { inARow: number };
  /** `CCYY-MM-DD`. */
  readonly today: () => string;
}

export interface Written {
  readonly result: Result;
  readonly problem?: Problem;
}

/** Never throws for failures at PlanSource. */
export async function writeOne(deps: WriteDeps, intent: Intent): Promise<Written> {
  const result = await attempt(() => WRITERS[intent.kind](deps, intent));
  if (isFailed(result)) return failed(deps, intent, result);
  deps.lost.inARow = 0;
  return { result };
}

type Writer = (deps: WriteDeps, intent: Intent) => Promise<Result>;

const WRITERS: Readonly<Record<Intent["kind"], Writer>> = { create, update, end, restart };

async function create(deps: WriteDeps, { fields, keys }: Intent): Promise<Result> {
  const row = await deps.ways.chosen.create(bodyOf(deps, fields));
  const [own, theirs] = [keys["subscriber_code"], codeOf(row)];
  if (own !== undefined && theirs !== undefined && foldedKey(own) !== foldedKey(theirs)) {
    return { kind: "conflict", remoteId: idOf(row), message: "PlanSource answered with another subscriber_code." };
  }
  // What nobody shows is asked for: it decides whether a termination follows.
  const whole = isWhole(row) ? row : await deps.ways.byId.read(idOf(row));
  return { kind: "created", remoteId: idOf(row), record: recordOf(deps, whole) };
}

async function update(deps: WriteDeps, intent: Intent): Promise<Result> {
  // Others may learn while this one waits for its answer: it goes by what it sent itself.
  const { blank } = deps.learnt;
  const put = (fields: Intent["fields"], empty: Blank): Promise<Row> =>
    addressed(deps.ways, addressOf(intent), (rest, ref) => rest.update(ref, bodyOf(deps, fields, empty)));
  let row = await put(intent.fields, blank);
  const other = await otherThan(deps, row, intent);
  if (other !== undefined) return other;
  let left = notCleared(intent, row);
  if (left.length > 0) {
    // "Send it blank" may mean an empty text or null; the other one is tried once, and kept if it works.
    const otherBlank = blank === "" ? null : "";
    row = await put(Object.fromEntries(left.map((field) => [field, null])), otherBlank);
    left = notCleared(intent, row);
    if (left.length > 0) {
      return { kind: "rejected", message: `PlanSource did not clear ${left.join(", ")}`, status: 200 };
    }
    deps.learnt.blank = otherBlank;
  }
  return { kind: "updated", record: shownBy(deps, row) };
}

/**
 * Whether PlanSource wrote to another subscriber, who has the code by now. If the one that we know is gone, somebody made
 * the record anew, and it is looked up again; otherwise the code was handed on, and a person must know.
 */
export async function otherThan(
  { ways }: Pick<WriteDeps, "ways">,
  row: Pick<Row, "id">,
  { remoteId }: Intent,
): Promise<Result | undefined> {
  if (remoteId === undefined || String(row.id) === remoteId) return undefined;
  if ((await ways.byId.one(remoteId)) === undefined) return { kind: "gone" };
  const message = "This employee has the subscriber_code by now, and was changed instead.";
  return { kind: "conflict", remoteId: String(row.id), message };
}

/** Fields that were sent blank and still show a value. */
function notCleared({ fields }: Intent, row: Row): readonly string[] {
  return Object.keys(fields).filter((field) => fields[field] === null && !isCleared(row[field], field));
}

/** An empty number may be shown as nought, and an empty flag as off. */
function isCleared(shown: unknown, field: string): boolean {
  const { type } = fieldSpec(SUBSCRIBERS.name, field);
  if (isBlank(shown) || shown === false || shown === "false") return isBlank(shown) || type === "boolean";
  return type === "number" && Number(shown) === 0;
}

async function end(deps: WriteDeps, intent: Intent): Promise<Result> {
  const { terminationFlagName } = deps.settings;
  const body = terminationBody(intent.fields, terminationFlagName);
  const row = await addressed(deps.ways, addressOf(intent), (rest, ref) => rest.terminate(ref, body));
  const other = await otherThan(deps, row, intent);
  if (other !== undefined) return other;
  const { is_voluntary_termination: shown } = row;
  const { voluntary } = intent.fields;
  if (typeof voluntary === "boolean" && shown !== undefined) deps.learnt.ignoresFlag = !isSame(shown, voluntary);
  return { kind: "ended", record: await wholeRecord(deps, intent, row) };
}

/** Some answers have flags as texts. */
const isSame = (shown: unknown, flag: boolean): boolean => shown === flag || shown === String(flag);

async function restart(deps: WriteDeps, intent: Intent): Promise<Result> {
  const body = rehireBody(intent.fields);
  const row = await addressed(deps.ways, addressOf(intent), (rest, ref) => rest.rehire(ref, body));
  const other = await otherThan(deps, row, intent);
  if (other !== undefined) return other;
  return { kind: "restarted", record: await wholeRecord(deps, intent, row) };
}

/** Another record with the same code could be meant by it. */
export function addressOf({ remoteId, knownKeys, namesake }: Intent): Address {
  return { id: remoteId, code: namesake ? undefined : knownKeys?.["subscriber_code"] };
}

export function bodyOf({ settings, learnt, today }: WriteDeps, fields: Intent["fields"], blank = learnt.blank) {
  return fieldsBody(fields, { dateFormat: settings.dateFormat, blank, today: today() });
}

/** Whether an answer shows the subscriber with its status, and not just that it was done. */
const isWhole = (row: Row): boolean =>
  Object.hasOwn(row, "subscriber_code") &&
  (Object.hasOwn(row, "employment_status") || Object.hasOwn(row, "termination_date"));

const recordOf = ({ fields }: WriteDeps, row: Row): RemoteRecord => remoteRecord(row, fields);

const shownBy = (deps: WriteDeps, row: Row): RemoteRecord | undefined =>
  isWhole(row) ? recordOf(deps, row) : undefined;

async function wholeRecord(deps: WriteDeps, intent: Intent, row: Row): Promise<RemoteRecord> {
  return shownBy(deps, row) ?? recordOf(deps, await readAgain(deps, intent));
}

const readAgain = ({ ways }: WriteDeps, intent: Intent): Promise<Row> => readOne(ways, addressOf(intent));

async function failed(deps: WriteDeps, intent: Intent, error: Failed): Promise<Written> {
  const { kind } = intent;
  if (kind !== "create" && isUnknownEmployee(error)) return { result: { kind: "gone" } };
  const isDone = (kind === "end" && isTerminatedAlready(error)) || (kind === "restart" && isActiveAlready(error));
  if (isDone) return doneBefore(deps, intent, error);
  if (isRefusal(error)) return { result: rejected(error) };
  const fate = unsent(error, kind === "update");
  return { result: fate, problem: isAboutOne(deps, fate, error) ? undefined : problemOf(error) };
}

/** Somebody did it before us, or the answer to our own call was lost: what PlanSource shows now is believed. */
async function doneBefore(deps: WriteDeps, intent: Intent, error: RemoteError): Promise<Written> {
  const row = await attempt(() => readAgain(deps, intent));
  if (isFailed(row)) return { result: later(row), problem: problemOf(row) };
  const record = recordOf(deps, row);
  if ((record.archived === true) !== (intent.kind === "end")) return { result: rejected(error) };
  return { result: { kind: intent.kind === "end" ? "ended" : "restarted", record } };
}

export function rejected(error: RemoteError): Result {
  const message = wordsOf(error);
  const why = isSsnTaken(error) ? reason("ssn_exists") : undefined;
  return { kind: "rejected", message, status: error.status ?? 0, reason: why };
}

/** So many lost answers in a row are an outage. */
const OUTAGE = 3;

/**
 * PlanSource failed over this one record ("Internal error"), or a single answer was lost: others need not wait, and be
 * looked up again afterwards. What may be repeated was repeated already, so its failure says more.
 */
function isAboutOne({ lost }: WriteDeps, fate: Result, error: Failed): boolean {
  if (error instanceof RemoteError && error.status === 500) return true;
  if (fate.kind !== "unconfirmed") return false;
  lost.inARow += 1;
  return lost.inARow < OUTAGE;
}
