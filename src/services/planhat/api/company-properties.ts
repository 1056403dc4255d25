/**
 * What a full list of companies asks for by name. Planhat's list does not show all properties by itself, while asking
 * hides those that are not named; so this is every property that public sources know
 * (planhat.com/developers/api/company and what clients have seen), `custom` for all custom fields at once.
 *
 * Not asked for: `shareable`, and lists of other objects that no attribute of a company could hold (sales, licenses,
 * documents, links, csmScoreLog, lastActivities, lastPerformedTriggers).
 */
export const COMPANY_PROPERTIES: readonly string[] = [
  // who it is
  ...["name", "externalId", "sourceId", "slug", "description", "domains", "tags", "products", "custom"],
  ...["address", "city", "zip", "country", "web", "phonePrimary"],
  // owner and status
  ...["owner", "coOwner", "followers", "collaborators", "status", "phase", "phaseSince"],
  ...["customerFrom", "customerTo", "createDate", "createdAt", "lastUpdated", "updatedAt"],
  // revenue
  ...["mr", "mrTotal", "mrr", "mrrTotal", "arr", "nrr30", "nrrTotal", "autoRenews", "lastRenewal"],
  ...["renewalDate", "renewalDaysFromNow", "renewalMrr", "renewalArr"],
  // health
  ...["h", "hDiff", "hDiffDate", "hProfile", "csmScore", "nps", "alerts", "usage", "features", "sunits", "beatDate"],
  ...["lastActive", "lastTouch", "lastTouchType", "lastTouchByType", "nextTouch"],
  // hierarchy
  ...["headId", "orgRootId", "orgPath", "orgLevel", "orgUnits", "orgCount", "orgPathCount"],
  ...["orgMrr", "orgMrrTotal", "orgArr", "orgArrTotal", "orgHealthTotal"],
];
