/** What people granted applications: codes, and the pairs of tokens that follow from them (sheet 1, 2). */
import type { Random } from "../../loopback/random";
import type { TokenTrouble } from "../failures";
import type { PlangradeSwitches } from "../switches";

/** A consumer application, as it is registered at plangrade. */
export interface Application {
  readonly key: string;
  readonly secret: string;
  /** Where the authorize page may send a browser back to: compared letter by letter. */
  readonly redirectUris: readonly string[];
}

export interface Pair {
  readonly accessToken: string;
  readonly refreshToken: string;
}

/** What an application was granted by a user, and where the browser goes. */
export interface CodeOrder {
  readonly key: string;
  readonly userId: number;
  readonly redirectUri: string;
}

export interface Grants {
  /** A new authorization code. */
  code(order: CodeOrder, atMs: number): string;
  /** The first pair for a code. Nothing if it is unknown, too old, used or another's; a used one ends what it gave. */
  exchange(code: string, order: Omit<CodeOrder, "userId">, atMs: number): Pair | undefined;
  /** The next pair. Nothing if the refresh token is unknown, dead or another application's. */
  refresh(refreshToken: string, key: string, atMs: number): Pair | undefined;
  /** A pair without a page. */
  pair(key: string, userId: number, atMs: number): Pair;
  /** Who granted a token. To show a token ends its predecessor, if that lived until then. */
  open(accessToken: string, atMs: number): { readonly userId: number; readonly key: string } | TokenTrouble;
  /** Access tokens end now; refresh tokens are as good as before. */
  expireAll(): void;
  /** A person takes back what they granted, or an application is gone. */
  revoke(whose: { readonly userId?: number; readonly key?: string }): void;
}

interface Grant {
  readonly key: string;
  readonly userId: number;
  isRevoked: boolean;
}

interface Code extends CodeOrder {
  readonly endsAt: number;
  /** Of the grant that it gave. */
  grant?: Grant;
}

interface Token {
  readonly grant: Grant;
  /** Of the access token. */
  endsAt: number;
  isAccessRevoked: boolean;
  isRefreshRevoked: boolean;
  /** The one that it was refreshed from, until that ends. */
  former?: Token;
}

export interface GrantsDeps {
  readonly random: Random;
  readonly switches: Readonly<PlangradeSwitches>;
  readonly codeLifeMs: number;
  readonly tokenLifeMs: number;
  /** Whoever is gone has granted nothing. */
  readonly isUser: (id: number) => boolean;
}

/** Creates an empty set of grants. */
export function createGrants({ random, switches, codeLifeMs, tokenLifeMs, isUser }: GrantsDeps): Grants {
  const codes = new Map<string, Code>();
  const byAccess = new Map<string, Token>();
  const byRefresh = new Map<string, Token>();
  let grants: Grant[] = [];

  function issue(grant: Grant, atMs: number, former?: Token): Pair {
    const pair = { accessToken: random.hex(64), refreshToken: random.hex(64) };
    const fresh = { grant, endsAt: atMs + tokenLifeMs, isAccessRevoked: false, isRefreshRevoked: false };
    const token: Token = former === undefined ? fresh : { ...fresh, former };
    byAccess.set(pair.accessToken, token);
    byRefresh.set(pair.refreshToken, token);
    return pair;
  }

  function begin(key: string, userId: number): Grant {
    const grant = { key, userId, isRevoked: false };
    grants.push(grant);
    return grant;
  }

  const isOver = ({ isRevoked, userId }: Grant): boolean => isRevoked || !isUser(userId);

  function endToken(token: Token): void {
    token.isRefreshRevoked = true;
    if (switches.formerAccess === "ended") token.isAccessRevoked = true;
  }

  return {
    code(order, atMs) {
      const code = random.hex(64);
      codes.set(code, { ...order, endsAt: atMs + codeLifeMs });
      return code;
    },
    exchange(presented, { key, redirectUri }, atMs) {
      const code = codes.get(presented);
      if (code === undefined || code.key !== key) return undefined;
      if (code.grant !== undefined) {
        code.grant.isRevoked = true;
        return undefined;
      }
      if (code.endsAt <= atMs || code.redirectUri !== redirectUri || !isUser(code.userId)) return undefined;
      code.grant = begin(key, code.userId);
      return issue(code.grant, atMs);
    },
    refresh(refreshToken, key, atMs) {
      const token = byRefresh.get(refreshToken);
      if (token === undefined || token.grant.key !== key || isOver(token.grant)) return undefined;
      if (token.isRefreshRevoked) {
        if (switches.deadRefresh === "revokes") token.grant.isRevoked = true;
        return undefined;
      }
      if (switches.formerRefresh === "until-use") return issue(token.grant, atMs, token);
      endToken(token);
      return issue(token.grant, atMs);
    },
    pair: (key, userId, atMs) => issue(begin(key, userId), atMs),
    open(accessToken, atMs) {
      const token = byAccess.get(accessToken);
      if (token === undefined) return "invalid";
      if (isOver(token.grant) || token.isAccessRevoked) return "revoked";
      if (token.endsAt <= atMs) return "expired";
      if (token.former !== undefined) endToken(token.former);
      delete token.former;
      return { userId: token.grant.userId, key: token.grant.key };
    },
    expireAll() {
      for (const token of byAccess.values()) token.endsAt = 0;
    },
    revoke({ userId, key }) {
      for (const grant of grants) {
        const isMeant = (userId ?? grant.userId) === grant.userId && (key ?? grant.key) === grant.key;
        if (isMeant) grant.isRevoked = true;
      }
      for (const [code, order] of codes) {
        const isMeant = (userId ?? order.userId) === order.userId && (key ?? order.key) === order.key;
        if (isMeant) codes.delete(code);
      }
      grants = grants.filter(({ isRevoked }) => !isRevoked);
    },
  };
}
