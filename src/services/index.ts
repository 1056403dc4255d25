/** The registry: the one list of services. */

/** Served at the root as well, where installations have known it from the beginning. */
export const ROOT_SERVICE = "planhat";
