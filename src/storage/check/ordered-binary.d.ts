/** How lmdb-js writes keys; the types of its package are for ES modules only. */
declare module "ordered-binary" {
  export function fromBufferKey(source: Buffer): unknown;
}
