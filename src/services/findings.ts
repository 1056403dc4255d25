/** Findings about a connector, in one word each. Pure. */
import type { Finding } from "./connection";

/** Something that must be entered before anything can be sent. */
export const setupRequired = (text: string): Finding => ({ level: "setupRequired", text });
export const error = (text: string): Finding => ({ level: "error", text });
export const warning = (text: string): Finding => ({ level: "warning", text });
/** Nothing is wrong. */
export const hint = (text: string): Finding => ({ level: "ok", text });

/** The finding where it applies, and otherwise nothing. */
export const when = (applies: boolean, finding: Finding): readonly Finding[] => (applies ? [finding] : []);
