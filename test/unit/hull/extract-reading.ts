import fc from "fast-check";
import {
  createHullSimulator,
  type ExtractFile,
  type HullSimulator,
  type PublishedExtract,
} from "../../../simulators/hull";
import { createHostAllowList } from "../../../src/http/guards/hosts";
import {
  createExtractReader,
  ExtractError,
  type ExtractOrder,
  type ExtractReader,
  type ExtractReaderOptions,
  type ExtractRow,
} from "../../../src/hull/extract/extract";

export interface Reading {
  readonly sim: HullSimulator;
  /** A reader that may visit this machine on any port, unless told otherwise. */
  reader(options?: ReaderOptions): ExtractReader;
}

export interface ReaderOptions extends Omit<ExtractReaderOptions, "allowedHosts"> {
  readonly hosts?: readonly string[];
}

/** A simulated Hull that is there for the tests of one file. */
export function startReading(): Reading {
  const sim = createHullSimulator();
  beforeAll(() => sim.listen());
  afterAll(() => sim.close());
  return {
    sim,
    reader: ({ hosts = ["127.0.0.1:*"], ...options } = {}) =>
      createExtractReader({ allowedHosts: createHostAllowList(hosts), ...options }),
  };
}

export interface Result {
  readonly rows: ExtractRow[];
  /** How the reading ended, if not well. */
  readonly error: unknown;
}

/** Reads to the end, whatever end that is. */
export async function readAll(
  reader: ExtractReader,
  order: Pick<ExtractOrder, "url"> & Partial<ExtractOrder>,
  signal: AbortSignal = new AbortController().signal,
): Promise<Result> {
  const rows: ExtractRow[] = [];
  try {
    for await (const batch of reader.rows({ format: "json", skipRows: 0, ...order }, signal)) rows.push(...batch);
  } catch (error) {
    return { rows, error };
  }
  return { rows, error: undefined };
}

/** Reads a file that must not fail: values of good rows, sentences about bad ones. */
export async function readFile(
  reading: Reading,
  file: ExtractFile,
  { skipRows = 0, ...options }: ReaderOptions & { skipRows?: number } = {},
): Promise<unknown[]> {
  const { url } = reading.sim.publishExtract(file);
  const { rows, error } = await readAll(reading.reader(options), { url, format: file.format ?? "json", skipRows });
  expect(error).toBeUndefined();
  expect(rows.map((row) => row.index)).toEqual(rows.map((_, i) => i + skipRows));
  return rows.map(({ row }) => (row.ok ? row.value : row.problem));
}

/** The error that a file ends with; what must never be in it is checked here. */
export async function failureOf(
  reader: ExtractReader,
  published: Pick<PublishedExtract, "url"> & Partial<PublishedExtract>,
  order: Partial<ExtractOrder> = {},
): Promise<ExtractError> {
  const { error } = await readAll(reader, { url: published.url, ...order });
  if (!(error instanceof ExtractError))
    throw new Error("The reading did not end with an ExtractError.", { cause: error });
  const printed = `${error.message} ${String(error.stack)} ${String(error.cause)} ${JSON.stringify(error)}`;
  expect(printed).not.toContain(published.signature ?? "X-Amz-");
  expect(printed).not.toContain("X-Amz-");
  return error;
}

/** The error that this CSV file ends with. */
export const failureOfCsv = (reading: Reading, content: ExtractFile["content"]): Promise<ExtractError> =>
  failureOf(reading.reader(), reading.sim.publishExtract({ format: "csv", content }), { format: "csv" });

/** Lines of JSON with consecutive ids. */
export function lines(from: number, to: number, padding = ""): string {
  let text = "";
  for (let id = from; id < to; id += 1) text += `${JSON.stringify({ id, padding })}\n`;
  return text;
}

/** The text in pieces of these lengths, over and over. */
export function piecesOf(text: string, sizes: readonly number[]): Buffer[] {
  const bytes = Buffer.from(text);
  const pieces: Buffer[] = [];
  for (let at = 0, i = 0; at < bytes.length; i += 1) {
    const length = sizes[i % sizes.length] ?? 1;
    pieces.push(bytes.subarray(at, at + length));
    at += length;
  }
  return pieces;
}

export const lengths = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 5 });
