/** How a service presents itself: the only place from which the server takes words and files that are about it. */
export interface Face {
  /** How people call it: `Planhat`. */
  readonly title: string;
  /** What Hull reads when the connector is installed. Its `source` tells the connectors of this service from others. */
  readonly manifest: { readonly source: string; readonly version: string; readonly description: string };
  /** The folder of the project with `readme.md`, `logo.png` and `logo.svg`. */
  readonly assets: string;
  /** The lists of fields that the settings offer: each is a table of `fieldOptions`. */
  readonly fieldLists: readonly string[];
  /** What a person can do while the settings lack what reaching the service needs: a sentence. */
  readonly missingToken: string;
  /** What a person can do about a dead letter, by its code, where the service has more to say than the server. */
  readonly remedies: Readonly<Record<string, string>>;
  /** For the description of the API. */
  readonly examples: {
    readonly remoteId: string;
    /** What takes its children along when it is sent again: "a company". */
    readonly parent: string;
    /** The outcome of a message about a user. */
    readonly skipped: { readonly code: string; readonly text: string };
  };
}
