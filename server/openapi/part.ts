/** The description of one group of routes, and helpers for writing it. */
import { z } from "zod";

/** A piece of an OpenAPI 3.1 document. */
export type Piece = Readonly<Record<string, unknown>>;

export type Method = "get" | "post" | "put" | "patch" | "delete";

export interface Operation {
  /** Unique in the whole document. */
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  /** Schemes that are all required, or one of several such sets; empty: public. */
  readonly security: readonly Piece[];
  readonly parameters?: readonly Piece[];
  readonly requestBody?: Piece;
  readonly responses: Readonly<Record<string, Piece>>;
}

export type PathItem = Readonly<Partial<Record<Method, Operation>>> & {
  /** Every method gets the same answer, not only those that are described. */
  readonly "x-any-method"?: true;
  /** A file that is served unchanged, rather than a route. */
  readonly "x-file"?: true;
};

export interface Part {
  readonly tag: { readonly name: string; readonly description: string };
  /** Bodies by the name under which paths refer to them. */
  readonly schemas: Readonly<Record<string, z.ZodType>>;
  readonly paths: Readonly<Record<string, PathItem>>;
}

/** How JSON schemas are made of bodies and parameters, as the client sees them. */
export const SENT = {
  io: "input",
  target: "draft-2020-12",
  unrepresentable: "any",
  override: ({ jsonSchema }: { jsonSchema: JsonSchema }) => {
    // Removes what zod adds without meaning: safe-integer bounds, and that a property name is text.
    if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
    if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
    delete jsonSchema.propertyNames;
  },
} as const;

type JsonSchema = z.core.JSONSchema.BaseSchema;

/** Refers to a schema of any part. */
export function ref(name: string): Piece {
  return { $ref: `#/components/schemas/${name}` };
}

/** An answer in JSON. */
export function answer(description: string, schema: string, example?: unknown): Piece {
  return {
    description,
    content: { "application/json": { schema: ref(schema), example } },
  };
}

/** A required JSON body. */
export function body(schema: string, example: unknown): Piece {
  return { required: true, content: { "application/json": { schema: ref(schema), example } } };
}

/** Parameters of a query or a path, from the schema that reads them. */
export function parameters(where: "query" | "path", schema: z.ZodType): readonly Piece[] {
  const { properties = {}, required = [] } = z.toJSONSchema(schema, SENT);
  return Object.entries(properties).map(([name, property]) => {
    const { description, examples, ...rest } = typeof property === "boolean" ? {} : property;
    const example = examples?.[0];
    return {
      name,
      in: where,
      required: required.includes(name),
      description,
      schema: rest,
      example,
    };
  });
}

export const inQuery = (schema: z.ZodType): readonly Piece[] => parameters("query", schema);

/** A parameter in the path. */
export function inPath(name: string, description: string, schema: Piece = { type: "string" }): Piece {
  return { name, in: "path", required: true, description, schema };
}
