/**
 * Who may write: one primary for each role of the device (P4Runtime 1.4, section "Client Arbitration and
 * Controller Replication"). The rules' numbers in comments are those of "Rules for Handling
 * MasterArbitrationUpdate Messages".
 */
import {
  Code,
  fromUint128,
  toUint128,
  type Init,
  type MasterArbitrationUpdate,
  type StreamMessageResponse,
  type Uint128,
} from '../../p4runtime/index.js';
import { invalid, notFound, precondition, RpcError } from './rpc-error.js';

/** One stream of a controller. */
export interface ArbitratedSession {
  send(message: Init<StreamMessageResponse>): void;
}

interface Role {
  /** Live controllers, in the order of arrival, and their election ids; undefined never becomes primary. */
  readonly members: Map<ArbitratedSession, bigint | undefined>;
  /** The highest election id ever seen, which outlives its controller. */
  highest: bigint | undefined;
}

/** Roles that are kept, the default role included. Where more are asked for, one that nobody has is forgotten. */
const MAX_ROLES = 256;
const MAX_ROLE_NAME_BYTES = 1024;
/** Of those that an error lists. */
const SHOWN_ROLES = 12;
const SHOWN_CHARACTERS = 64;

const PRIMARY = { code: Code.OK as number, message: 'This controller is the primary.' };
const BACKUP = { code: Code.ALREADY_EXISTS as number, message: 'Another controller is the primary.' };
const NO_PRIMARY = { code: Code.NOT_FOUND as number, message: 'There is no primary.' };

export class Arbitration {
  /**
   * By name; the default role is the empty name. A role exists from its first controller on, and those without one are
   * in the order in which the last one left.
   */
  private readonly roles = new Map<string, Role>();
  private readonly roleOf = new Map<ArbitratedSession, string>();

  constructor(
    private readonly deviceId: bigint,
    private readonly maxControllersPerRole: number,
  ) {}

  /** @throws RpcError that must end the stream */
  update(session: ArbitratedSession, update: MasterArbitrationUpdate): void {
    const name = update.role?.name ?? '';
    const known = this.roleOf.get(session);
    this.check(update, name, known);
    const role = this.roles.get(name) ?? {
      members: new Map<ArbitratedSession, bigint | undefined>(),
      highest: undefined,
    };
    const id = update.electionId && fromUint128(update.electionId);
    this.checkUnique(role, session, id);
    if (known === undefined && role.members.size >= this.maxControllersPerRole) {
      throw new RpcError(
        Code.RESOURCE_EXHAUSTED,
        `Role "${name}" has ${role.members.size} controllers, which is the limit.`,
      );
    }
    if (!this.roles.has(name)) this.makeRoom();
    const wasPrimary = known !== undefined && this.primary(role) === session;
    this.roles.set(name, role);
    this.roleOf.set(session, name);
    role.members.set(session, id);
    const becomesPrimary = id !== undefined && (role.highest === undefined || id >= role.highest);
    if (becomesPrimary) role.highest = id;
    // A backup that remains a backup does not concern the other controllers.
    if (becomesPrimary || wasPrimary) this.notifyAll(name, role);
    else this.notify(name, role, session);
  }

  private check(update: MasterArbitrationUpdate, name: string, known: string | undefined): void {
    if (known !== undefined && update.deviceId !== this.deviceId) {
      throw precondition(`This stream belongs to device ${this.deviceId} and cannot change to ${update.deviceId}.`); // 2.1
    }
    if (update.deviceId !== this.deviceId) {
      throw notFound(`There is no device ${update.deviceId}; valid: ${this.deviceId}.`); // 1.1
    }
    if (known !== undefined && name !== known) {
      throw precondition(`This stream has role "${known}" and cannot change to "${name}".`); // 2.2
    }
    if (known === undefined && Buffer.byteLength(name) > MAX_ROLE_NAME_BYTES) {
      throw invalid(`A role's name has at most ${MAX_ROLE_NAME_BYTES} bytes, not ${Buffer.byteLength(name)}.`);
    }
    if (update.role && update.role.id !== 0n) throw invalid('Roles have names here; role.id is deprecated.');
    if (update.role?.config) {
      throw invalid('This switch has no role configurations; every role has full access.'); // 1.3, 2.3
    }
  }

  /**
   * Forgets the role that has been without controllers for longest, with the highest election id that it has seen; never
   * the default role.
   */
  private makeRoom(): void {
    if (this.roles.size < MAX_ROLES) return;
    for (const [name, { members }] of this.roles) {
      if (name === '' || members.size > 0) continue;
      this.roles.delete(name);
      return;
    }
    throw new RpcError(
      Code.RESOURCE_EXHAUSTED,
      `There are ${this.roles.size} roles with controllers, which is the limit.`,
    );
  }

  /** 1.2 and 2.4. */
  private checkUnique(role: Role, session: ArbitratedSession, id: bigint | undefined): void {
    if (id === undefined) return;
    for (const [other, otherId] of role.members) {
      if (other !== session && otherId === id) throw invalid(`Election id ${id} is used by another live controller.`);
    }
  }

  /** The stream has ended. */
  close(session: ArbitratedSession): void {
    const name = this.roleOf.get(session);
    if (name === undefined) return;
    const role = this.roles.get(name)!;
    const wasPrimary = this.primary(role) === session;
    this.roleOf.delete(session);
    role.members.delete(session);
    if (role.members.size === 0) {
      this.roles.delete(name);
      this.roles.set(name, role);
    }
    if (wasPrimary) this.notifyAll(name, role);
  }

  /** @throws RpcError unless the election id is that of the live primary of the role */
  checkPrimary(roleName: string, electionId: Uint128 | undefined): void {
    this.checkRole(roleName);
    const role = this.roles.get(roleName);
    const primary = role && this.primary(role);
    if (!primary) throw new RpcError(Code.PERMISSION_DENIED, 'There is no primary controller.');
    if (!electionId) throw new RpcError(Code.PERMISSION_DENIED, 'The request has no election id.');
    if (fromUint128(electionId) !== role.highest) {
      throw new RpcError(
        Code.PERMISSION_DENIED,
        `Election id ${fromUint128(electionId)} is not the primary's, which is ${role.highest}.`,
      );
    }
  }

  /** @throws RpcError NOT_FOUND unless it is the default role or one that a controller has, or had */
  checkRole(name: string): void {
    if (name === '' || this.roles.has(name)) return;
    const names = [...this.roles.keys()].slice(0, SHOWN_ROLES).map(quoted);
    const more = this.roles.size > SHOWN_ROLES ? `, ... (${this.roles.size} in all)` : '';
    throw notFound(`There is no role ${quoted(name)}; valid: ${names.join(', ') || 'none yet'}${more}.`);
  }

  isPrimary(session: ArbitratedSession): boolean {
    const name = this.roleOf.get(session);
    return name !== undefined && this.primary(this.roles.get(name)!) === session;
  }

  /** Every primary: one for each role that has one. */
  primaries(): ArbitratedSession[] {
    return [...this.roles.values()].flatMap((role) => this.primary(role) ?? []);
  }

  private primary(role: Role): ArbitratedSession | undefined {
    if (role.highest === undefined) return undefined;
    for (const [session, id] of role.members) if (id === role.highest) return session;
    return undefined;
  }

  /** The primary is notified last, after all others have been told that it is the primary. */
  private notifyAll(name: string, role: Role): void {
    const primary = this.primary(role);
    for (const session of role.members.keys()) if (session !== primary) this.notify(name, role, session);
    if (primary) this.notify(name, role, primary);
  }

  private notify(name: string, role: Role, session: ArbitratedSession): void {
    const primary = this.primary(role);
    session.send({
      arbitration: {
        deviceId: this.deviceId,
        ...(name !== '' && { role: { name } }),
        ...(role.highest !== undefined && { electionId: toUint128(role.highest) }),
        status: !primary ? NO_PRIMARY : primary === session ? PRIMARY : BACKUP,
      },
    });
  }
}

function quoted(role: string): string {
  return `"${role.length > SHOWN_CHARACTERS ? `${role.slice(0, SHOWN_CHARACTERS)}...` : role}"`;
}
