import { textReply, type Reply } from "../loopback/call";
import type { PlanningPmeSwitches } from "./switches";

/** What was refused. The form of errors is unknown; 401 alone is known to occur (sheet 7, 9). */
export function failure(status: number, message: string, { errors }: Readonly<PlanningPmeSwitches>): Reply {
  switch (errors) {
    case "text":
      return { status, body: message };
    case "json":
      return { status, body: { message } };
    case "json-capital":
      return { status, body: { Message: message } };
    case "html":
      return textReply(status, `<!DOCTYPE html><html><head><title>${message}</title></head><body></body></html>`);
    case "empty":
      return { status };
  }
}
