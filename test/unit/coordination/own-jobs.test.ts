import { createOwnJobs } from "../../../src/coordination/own-jobs";
import type { Job, Jobs } from "../../../src/coordination/jobs";

/** A handler whose runs end when the test says so. */
function createWorker() {
  const runs: { readonly name: string; readonly end: (error?: Error) => void }[] = [];
  const started: string[] = [];
  const errors: string[] = [];
  const handler = (name: string): Promise<void> => {
    started.push(name);
    return new Promise((resolve, reject) => {
      runs.push({ name, end: (error) => (error === undefined ? resolve() : reject(error)) });
    });
  };
  const end = async (error?: Error): Promise<void> => {
    runs.shift()?.end(error);
    await Promise.resolve();
    await Promise.resolve();
    await Promise.resolve();
  };
  const onError = (job: Job, error: unknown): void => void errors.push(`${job.join(" ")}: ${String(error)}`);
  return { handler, onError, started, errors, end };
}

let worker: ReturnType<typeof createWorker>;
let jobs: Jobs;

beforeEach(() => {
  jest.useFakeTimers({ now: 1_000_000 });
  worker = createWorker();
  jobs = createOwnJobs({ onError: worker.onError, now: () => Date.now() });
  for (const kind of ["a", "b", "c"]) jobs.serve(kind, () => worker.handler(kind));
  jobs.start();
});
afterEach(() => jest.useRealTimers());

describe("a wake-up", () => {
  it("leads to one look", () => {
    jobs.wake(["a"]);
    expect(worker.started).toEqual(["a"]);
  });

  it("during a look leads to exactly one more, however often it comes", async () => {
    jobs.wake(["a"]);
    jobs.wake(["a"]);
    jobs.wake(["a"]);
    expect(worker.started).toEqual(["a"]);
    await worker.end();
    expect(worker.started).toEqual(["a", "a"]);
    await worker.end();
    expect(worker.started).toEqual(["a", "a"]);
  });

  it("after a look leads to a new one", async () => {
    jobs.wake(["a"]);
    await worker.end();
    jobs.wake(["a"]);
    expect(worker.started).toEqual(["a", "a"]);
  });

  it("of one lane does not wait for another lane", () => {
    jobs.wake(["a"]);
    jobs.wake(["b"]);
    expect(worker.started).toEqual(["a", "b"]);
  });
});

describe("before the start", () => {
  it("nothing is looked at, and nothing is kept for later: whoever starts looks at everything", async () => {
    const own = createOwnJobs({ onError: worker.onError, now: () => Date.now() });
    own.serve("a", () => worker.handler("a"));
    own.wake(["a"]);
    own.wakeAt(["a"], Date.now());
    own.start();
    jest.advanceTimersByTime(1_000);
    expect(worker.started).toEqual([]);
    await own.close();
    own.start();
    own.wake(["a"]);
    expect(worker.started).toEqual([]);
  });
});

describe("a job", () => {
  it("is told what it is to be done on", async () => {
    const done: (readonly string[])[] = [];
    jobs.serve("deliver", (...on) => {
      done.push(on);
      return Promise.resolve();
    });
    jobs.wake(["deliver", "one remote", "one tenant"]);
    jobs.wake(["deliver", "another"]);
    await jobs.idle("deliver");
    expect(done).toEqual([["one remote", "one tenant"], ["another"]]);
  });

  it("comes again and again where that is asked for", () => {
    jobs.every(["a"], 500);
    jest.advanceTimersByTime(499);
    expect(worker.started).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(worker.started).toEqual(["a"]);
  });
});

describe("a look that fails", () => {
  it("is reported by name, and the next wake-up looks again", async () => {
    jobs.wake(["a"]);
    await worker.end(new Error("disk full"));
    expect(worker.errors).toEqual(["a: Error: disk full"]);
    jobs.wake(["a"]);
    expect(worker.started).toEqual(["a", "a"]);
  });

  it("does not swallow a wake-up that came meanwhile", async () => {
    jobs.wake(["a"]);
    jobs.wake(["a"]);
    await worker.end(new Error("disk full"));
    expect(worker.started).toEqual(["a", "a"]);
  });

  it("may also fail before it begins", async () => {
    const errors: unknown[] = [];
    const broken = createOwnJobs({ onError: (_, error) => errors.push(error), now: () => Date.now() });
    broken.serve("a", () => {
      throw new Error("at once");
    });
    broken.start();
    expect(() => broken.wake(["a"])).not.toThrow();
    await worker.end();
    broken.wake(["a"]);
    await broken.close();
    expect(errors).toHaveLength(2);
  });
});

describe("a later wake-up", () => {
  it("comes at its time, not before", () => {
    jobs.wakeAt(["a"], Date.now() + 500);
    jest.advanceTimersByTime(499);
    expect(worker.started).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(worker.started).toEqual(["a"]);
  });

  it("counts once, at the earliest wish", () => {
    const now = Date.now();
    jobs.wakeAt(["a"], now + 500);
    jobs.wakeAt(["a"], now + 200);
    jobs.wakeAt(["a"], now + 900);
    jest.advanceTimersByTime(200);
    expect(worker.started).toEqual(["a"]);
    jest.advanceTimersByTime(10_000);
    expect(worker.started).toEqual(["a"]);
  });

  it("may be wished for again when the earlier one has come", async () => {
    jobs.wakeAt(["a"], Date.now() + 200);
    jest.advanceTimersByTime(200);
    await worker.end();
    jobs.wakeAt(["a"], Date.now() + 300);
    jest.advanceTimersByTime(300);
    expect(worker.started).toEqual(["a", "a"]);
  });

  it("for the past comes at once", () => {
    jobs.wakeAt(["a"], Date.now() - 1);
    jest.advanceTimersByTime(0);
    expect(worker.started).toEqual(["a"]);
  });

  it("for a far future does not come at once", () => {
    jobs.wakeAt(["a"], Date.now() + 100 * 86_400_000);
    jest.advanceTimersByTime(86_400_000);
    expect(worker.started).toEqual([]);
  });

  it("that falls into a look leads to one more", async () => {
    jobs.wake(["a"]);
    jobs.wakeAt(["a"], Date.now() + 5);
    jest.advanceTimersByTime(5);
    expect(worker.started).toEqual(["a"]);
    await worker.end();
    expect(worker.started).toEqual(["a", "a"]);
  });
});

describe("closing", () => {
  it("waits for the looks that run, and starts no more", async () => {
    jobs.wake(["a"]);
    jobs.wake(["a"]);
    let closed = false;
    const closing = jobs.close().then(() => (closed = true));
    await Promise.resolve();
    expect(closed).toBe(false);
    await worker.end();
    await closing;
    expect(worker.started).toEqual(["a"]);
  });

  it("forgets later wake-ups and takes no new ones", async () => {
    jobs.wakeAt(["a"], Date.now() + 5);
    await jobs.close();
    jobs.wake(["b"]);
    jobs.wakeAt(["c"], Date.now());
    jest.advanceTimersByTime(1_000);
    expect(worker.started).toEqual([]);
    expect(jest.getTimerCount()).toBe(0);
  });

  it("resolves at once when nothing runs, and again when it is asked twice", async () => {
    await jobs.close();
    await expect(jobs.close()).resolves.toBeUndefined();
  });
});
