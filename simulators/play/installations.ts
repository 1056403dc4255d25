/**
 * A connector for each service, installed in the simulated Hull with settings under which the first message arrives, and
 * the values that the service asks of everybody.
 */
import type { Application } from "../plangrade";
import type { Credentials } from "../planningpme";
import type { ApiUser } from "../plansource";

type Values = Readonly<Record<string, unknown>>;

export interface Installation {
  readonly title: string;
  /** Of its manifest: tells the connectors of this service from others. */
  readonly source: string;
  readonly settings: Values;
  /** Attributes that a record needs before the service takes it; each # is a digit, and each record has others. */
  readonly samples: { readonly user: Values; readonly account: Values };
}

/** Credentials that the simulated services take. */
export interface Accounts {
  readonly planhat: { readonly token: string; readonly tenantId: string };
  readonly plansource: ApiUser;
  readonly planningpme: Credentials;
  readonly plangrade: Application;
}

/** Who is in it is sent; whoever is in the other one alone is not. */
export const SEGMENTS = ["Customers", "Leads"] as const;

const row = (hull_field_name: string, service_field_name: string) => ({ hull_field_name, service_field_name });
const PHONE_BOOK = { city: "Springfield", state: "Illinois", zip: "62701" };

/** @param chosen ids of the segment whose members are sent: of users, of accounts */
export function installations(
  { planhat, plansource, planningpme, plangrade }: Accounts,
  chosen: { readonly user: string; readonly account: string },
): Readonly<Record<keyof Accounts, Installation>> {
  return {
    planhat: {
      title: "Planhat",
      source: "planhat",
      settings: {
        personal_acccess_token: planhat.token,
        api_prefix: "api",
        tenant_id: planhat.tenantId,
        contact_synchronized_segments: [chosen.user],
        account_synchronized_segments: [chosen.account],
        contact_attributes_outbound: [
          row("name", "name"),
          row("email", "email"),
          row("external_id", "externalId"),
          row("traits_position", "position"),
          row("traits_phone", "phone"),
        ],
        account_attributes_outbound: [row("name", "name"), row("phase", "phase")],
      },
      samples: { user: {}, account: {} },
    },
    plansource: {
      title: "PlanSource",
      source: "plansource",
      settings: {
        client_id: plansource.clientId,
        client_secret: plansource.clientSecret,
        logged_in_user: plansource.loggedInUser,
        synchronized_segments: [chosen.user],
        subscriber_attributes_outbound: [
          row("external_id", "subscriber_code"),
          row("email", "email"),
          row("first_name", "first_name"),
          row("last_name", "last_name"),
          row("address", "address_1"),
          row("city", "city"),
          row("state", "state"),
          row("zip", "zip_code"),
          row("phone", "home_phone"),
          row("gender", "gender"),
          row("born_on", "birthdate"),
          row("hired_on", "hire_date"),
          row("ssn", "ssn"),
          row("salary", "current_salary"),
          row("level", "employment_level"),
        ],
        termination_date_attribute: "left_on",
        termination_reason_attribute: "left_why",
        rehire_date_attribute: "back_on",
      },
      samples: {
        user: {
          ...PHONE_BOOK,
          last_name: "Sample",
          address: "1 Main Street",
          phone: "(217) 555-0100",
          gender: "Female",
          born_on: "1980-01-31",
          hired_on: "2024-01-31",
          salary: 52_000,
          level: "Full Time",
        },
        account: {},
      },
    },
    planningpme: {
      title: "PlanningPME",
      source: "hull-planningpme",
      settings: {
        brand: planningpme.brand,
        app_key: planningpme.appKey,
        auth_token: planningpme.authToken,
        account_synchronized_segments: [chosen.account],
        customer_key_property: "ID",
        customer_attributes_outbound: [row("name", "Name"), row("city", "City")],
        export_templates: [
          { template: "client-export", entity: "account", key_property: "ID", key_attribute: "external_id" },
        ],
      },
      samples: { user: {}, account: { city: "Lyon" } },
    },
    plangrade: {
      title: "plangrade",
      source: "plangrade",
      settings: {
        application_key: plangrade.key,
        application_secret: plangrade.secret,
        account_synchronized_segments: [chosen.account],
        synchronized_segments: [chosen.user],
        ssn_attribute: "ssn",
        fetch_company_events: true,
      },
      samples: {
        user: {
          ...PHONE_BOOK,
          last_name: "Sample",
          ssn: "900-##-####",
          state: "IL",
          street1: "1 Main Street",
          phone: "(217) 555-0100",
          dob: "1980-01-31",
        },
        account: { ein: "12-#######" },
      },
    },
  };
}
