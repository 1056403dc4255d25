/**
 * The seam between the engine and a remote service.
 *
 * A service declares its object types as data and implements a handful of functions. The engine thinks in
 * desired records, intents and results; which verbs, order and routes those become is the service's business.
 */
import type { EntityMessage } from "./message";
import type { OutcomeCodes, Reason } from "../outcome/outcome";
import type { Check, FieldSpec, ObjectType, Plan, WritePolicy } from "./model";
import type { Desired } from "../record";
import type { Connection, FieldOption, FieldUse, Finding, Intent, Remembered } from "./connection";
import type { AuthProvider } from "../http/auth";
import type { AccessToken } from "../http/token-source";
import type { Face } from "./face";
import type { Operation } from "./operations";
import type { Target } from "./target";

/** What a full fetch reads, and what it does in Hull besides setting attributes. */
export interface FetchPolicy {
  /** Parents before children. */
  readonly types: readonly FetchedType[];
  /** Children are linked to their parent in Hull, as users are to accounts. */
  readonly linkToParent: boolean;
  /** The Hull attribute that says when a record went missing. */
  readonly deletedAttribute: string;
  /** Missing records are marked. The return of a record is told even if it was marked under former settings. */
  readonly marksDeleted: boolean;
}

export interface FetchedType {
  readonly type: string;
  /** From one fetch to the next; 0 = at every call. */
  readonly intervalMinutes: number;
  /** Hull knows its records by claims of the settings, and not by the service's own order. */
  readonly isClaimed?: boolean;
}

export type SettingsResult<S> =
  | { readonly ok: true; readonly settings: S; readonly warnings: readonly Reason[] }
  | { readonly ok: false; readonly problems: readonly string[] };

export interface Service<S> {
  readonly name: string;
  /** What the server says about it. */
  readonly face: Face;
  /** Parents before children. */
  readonly types: readonly ObjectType[];
  /** Its own outcome codes, and its own words for common ones. */
  readonly outcomes: OutcomeCodes;
  /** Parses `private_settings` of any installation, old or new. */
  readSettings(privateSettings: unknown): SettingsResult<S>;
  /** What can be said from the settings alone, in the order in which it is best mended; pure. */
  checkSettings(settings: S): readonly Finding[];
  /**
   * What the outcomes of the last day say about values that the settings cannot show. Pure.
   * @param outcomes `type/outcome/code` → count
   */
  checkOutcomes(outcomes: Readonly<Record<string, number>>): readonly Finding[];
  /** The fields that every tenant has, for a list in the settings; undefined when there is no such list. Pure. */
  fieldOptions(table: string, use: FieldUse): readonly FieldOption[] | undefined;
  /**
   * Undefined when a setting that reaching the service needs is missing.
   *
   * @param account of what a person granted; undefined before that, or where the service does not say
   */
  target(settings: S, account?: string): Target | undefined;
  /** What is missing then, as the first half of a sentence: "No personal access token is configured". */
  readonly unreachable: string;
  /**
   * Filter and mapping; pure, no I/O. `isExport` skips the filters, never the hard restrictions. Called only for
   * entities that some type has; none at all means that nothing of the message is for the service.
   */
  plan(message: EntityMessage, settings: S): readonly Plan[];
  /** What `plan` checks before it maps the entity's own record, in its order; for people who ask why. Pure. */
  checks(message: EntityMessage, settings: S): readonly Check[];
  /**
   * A short text that is the same for two messages of an entity only if `plan` makes the same single record of both;
   * undefined where that cannot be told cheaply. Pure.
   */
  fingerprint(message: EntityMessage, settings: S): string | undefined;
  /** What to do with an appended record whose answer was lost: send it again, or (by default) keep it for a person. */
  unconfirmed?(settings: S): "repeat" | "hold";
  /**
   * The step that the record needs besides its fields, where its own dates decide and not `Desired.state` alone; asked
   * anew after each request. Write-only values are closed here. Pure.
   */
  next?(type: string, desired: Desired, known: Remembered): "restart" | "end" | undefined;
  field(type: string, name: string): FieldSpec;
  /** The fields that today's mapping reads and writes. */
  mappedFields(type: string, settings: S): readonly string[];
  /** The Hull attribute that fills each field by today's mapping, in one spelling; none where nothing is sent. Pure. */
  fieldSources(type: string, settings: S): Readonly<Record<string, string>>;
  /** Hull attribute under which a field is written back, without entity prefix: `planhat/custom_nps`. */
  hullAttribute(type: string, field: string): string;
  /** Where people look at a record of the service; undefined where that is not known. Pure. */
  recordLink?(type: string, remoteId: string, settings: S): string | undefined;
  /** How the remote records come to Hull. */
  fetchPolicy(settings: S): FetchPolicy;
  /**
   * Cuts intents into chunks that one `apply` may carry; every intent in exactly one chunk, by index. Without it, chunks
   * have the size that the type's `writes` name.
   */
  chunks?(type: string, intents: readonly Intent[], settings: S): readonly (readonly number[])[];
  /** What may be done to the records of a type; everything, unless it says otherwise. What is known here decides. Pure. */
  writePolicy?(type: string, settings: S): WritePolicy | undefined;
  /** @param auth the tokens that a person granted this tenant, where the service has `authorization` */
  connect(settings: S, target: Target, auth: AuthProvider): Connection;
  /** A person must grant access in a browser; messages wait until then. */
  readonly authorization?: Authorization<S>;
  /** What people and programs may call through us, besides what synchronisation does. */
  readonly operations: readonly Operation<S>[];
  /** The tenant was erased: what is cached for it goes too. @param key the tenant's key */
  forget?(key: string): void;
  /** Ends what is cached and under way, when the process ends. */
  close?(): void;
}

/** Access that a person grants: OAuth 2.0 with a code (RFC 6749, section 4.1). The engine keeps and renews the tokens. */
export interface Authorization<S> {
  /** The page of the service that asks the person. Called only with settings that have a target. */
  page(settings: S, asked: { readonly redirectUri: string; readonly state: string }): string;
  /**
   * One request to the token endpoint, never repeated.
   *
   * @param form `grant_type` and what belongs to it; the service adds who the application is
   * @throws RemoteError; UnexpectedAnswer when a good answer has no token
   */
  tokens(settings: S, form: Readonly<Record<string, string>>): Promise<AccessToken>;
  /**
   * Whose account a token opens; undefined where the service does not say.
   *
   * @throws RemoteError, UnexpectedAnswer
   */
  account(settings: S, accessToken: string): Promise<GrantedAccount | undefined>;
}

export interface GrantedAccount {
  readonly id: string;
  /** For people. */
  readonly name?: string;
}
