export * from "./simulator";
export * from "./messages";
export * from "./population";
export type { HullCounts } from "./books";
export type { ConnectorObject, ConnectorSeed, Segment } from "./connectors";
export type { Channel, Envelope, FlowControl } from "./envelope";
export type { FirehoseItem, TrackedEvent } from "./firehose";
export type { Attributes, Claims, Profile, Profiles, ProfileSeed, Subject } from "./profiles";
export type { SendAnswer, Sender, SendOptions, SendReport } from "./sender";
