import { isoOf, systemClock, type Clock } from "../loopback/clock";
import { createPostClient } from "../loopback/client";
import { createFaults } from "../loopback/faults";
import { createHooks } from "../loopback/hooks";
import { createLedger } from "../loopback/ledger";
import { createRandom, seedOf } from "../loopback/random";
import { createLoopbackServer } from "../loopback/server";
import { createBooks } from "./books";
import { serveCalls } from "../control/calls";
import { createConnectors, type ConnectorObject, type Segment } from "./connectors";
import { hullCalls } from "./control/calls";
import { createExtracts } from "./extracts";
import type { Refusal, TrackedEvent } from "./firehose";
import { buildAccountMessage, buildUserMessage, flatten } from "./messages";
import { createProfiles } from "./profiles";
import { createRouter } from "./router";
import { createSender } from "./sender";
import { createSigner } from "./signing";
import type { HullSimulator } from "./face";

export interface HullSimulatorOptions {
  /** Drives ids and faults. Default 1. */
  readonly seed?: number;
  /** Default: the real time. */
  readonly clock?: Clock;
  /** How the sender waits between shipments. Default: the clock's. */
  readonly sleep?: (ms: number) => Promise<void>;
  /** How often the sender tries one shipment. Default 10. */
  readonly maxAttempts?: number;
  /** Wait before a retry when the answer names none. Default 1,000 ms. */
  readonly retryDelayMs?: number;
  /** How long the sender waits for an answer. Default 30,000 ms. */
  readonly timeoutMs?: number;
  /** Default 20 MB. */
  readonly bodyLimitBytes?: number;
  /** Serves `/__sim/…` for use from another process. Default false. */
  readonly control?: boolean;
}

const bodyLimitDefault = 20 * 1024 * 1024;

/** Creates a Hull organization on loopback: REST API, firehose, key host and notifier. Not yet listening. */
export function createHullSimulator(options: HullSimulatorOptions = {}): HullSimulator {
  const { seed = 1, clock = systemClock } = options;
  const ledger = createLedger();
  const books = createBooks(ledger);
  const faults = createFaults(seedOf(seed, "hull faults"));
  const hooks = createHooks();
  const random = createRandom(seedOf(seed, "hull ids"));
  const connectors = createConnectors(clock);
  const profiles = createProfiles(seed, clock);
  const signer = createSigner();
  const refusals = new Set<Refusal>();
  const events = new Map<string, TrackedEvent>();
  const segments: { readonly users: Segment[]; readonly accounts: Segment[] } = { users: [], accounts: [] };
  const extracts = createExtracts(createRandom(seedOf(seed, "hull extracts")), clock);
  let disabled = false;
  let stopping = new AbortController();

  const addSegment = (list: Segment[], type: Segment["type"], name: string, id = random.hex(24)): Segment => {
    const at = isoOf(clock.now());
    const segment: Segment = { id, name, type, created_at: at, updated_at: at, stats: {} };
    list.push(segment);
    return segment;
  };
  const known = (id: string): ConnectorObject => {
    const connector = connectors.all.get(id);
    if (connector === undefined) throw new Error(`There is no connector ${id}.`);
    return connector;
  };
  const named = (list: readonly Segment[], ids: readonly string[]): Segment[] =>
    list.filter((segment) => ids.includes(segment.id));

  const client = createPostClient(options.timeoutMs ?? 30_000);
  const sender = createSender({
    connectors,
    segments,
    signer,
    client,
    random,
    organization: () => simulator.host,
    keyUrl: () => simulator.signingKeyUrl,
    sleep: options.sleep ?? ((ms) => clock.sleep(ms, stopping.signal)),
    isStopped: () => stopping.signal.aborted,
    maxAttempts: options.maxAttempts ?? 10,
    retryDelayMs: options.retryDelayMs ?? 1_000,
  });

  const simulator: HullSimulator = {
    ...sender,
    listen(port) {
      stopping = new AbortController();
      return server.listen(port);
    },
    async close() {
      stopping.abort();
      client.close();
      await server.close();
    },
    get url() {
      return `http://${server.host}`;
    },
    get host() {
      return server.host;
    },
    get firehoseUrl() {
      return `http://${server.host}/firehose`;
    },
    get signingKeyUrl() {
      return `http://${server.host}/signing-key.pem`;
    },
    faults,
    on: hooks.on,
    books,
    profiles,
    events,
    connectors: connectors.all,
    segments,
    addConnector: (connectorSeed) => connectors.add(connectorSeed, server.host),
    removeConnector: (id) => connectors.remove(id),
    connector: known,
    saveSettings(id, privateSettings) {
      connectors.saveSettings(id, privateSettings);
      return known(id);
    },
    rotateSecret: (id, secret) => connectors.rotateSecret(id, secret),
    setOrganizationDisabled(value) {
      disabled = value;
    },
    addUserSegment: (name, id) => addSegment(segments.users, "users_segment", name, id),
    addAccountSegment: (name, id) => addSegment(segments.accounts, "accounts_segment", name, id),
    refuse(matches, status = 400) {
      const refusal: Refusal = { matches, status };
      refusals.add(refusal);
      return () => void refusals.delete(refusal);
    },
    addExtract: (content, format = "json") => simulator.publishExtract({ content, format }).url,
    publishExtract: (file) => extracts.publish(file, simulator.url),
    sign: (notificationId) => signer.sign(notificationId),
    userMessage(profile, parts = {}) {
      const account = profiles.accounts.get(profile.account_id ?? "");
      return buildUserMessage(flatten(profile), {
        organization: server.host,
        ...(account && { account: flatten(account), account_segments: named(segments.accounts, account.segment_ids) }),
        segments: named(segments.users, profile.segment_ids),
        ...parts,
      });
    },
    accountMessage: (profile, parts = {}) =>
      buildAccountMessage(flatten(profile), {
        organization: server.host,
        account_segments: named(segments.accounts, profile.segment_ids),
        ...parts,
      }),
  };
  const server = createLoopbackServer({
    clock,
    faults,
    hooks,
    ledger,
    bodyLimitBytes: options.bodyLimitBytes ?? bodyLimitDefault,
    prepare: createRouter({
      profiles,
      books,
      refusals,
      events,
      connectors,
      segments,
      extracts,
      isDisabled: () => disabled,
      publicKey: () => signer.publicKey,
    }),
    control: options.control === true ? (arrival) => serveCalls("Hull", hullCalls(simulator))(arrival) : undefined,
  });
  return simulator;
}
