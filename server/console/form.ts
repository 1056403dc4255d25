/** Small forms of our own pages. */
import express, { type Request, type RequestHandler, type Response } from "express";

const MAX_FORM_BYTES = 4_096;

/** Reads a small form; one that cannot be read has no fields. */
export function formReader(): (request: Request, response: Response) => Promise<unknown> {
  const parse: RequestHandler = express.urlencoded({ extended: false, limit: MAX_FORM_BYTES });
  return (request, response) =>
    new Promise((resolve) => {
      void parse(request, response, (error?: unknown) => resolve(error === undefined ? request.body : undefined));
    });
}
