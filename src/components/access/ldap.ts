// Users of an LDAP server: the section [ldap]. The library is loaded at the first login.
import { randomBytes } from 'node:crypto'
import { connect, type OnReadOpts, type Socket } from 'node:net'
import { ROLES, type Role } from '../../api/endpoint.ts'
import { type Core, component } from '../../component/component.ts'
import { SectionTemplate } from '../../component/section-template.ts'
import { type ReadSection, template, word } from '../../config/index.ts'
import { ApiError, messageOf } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import { bool, int, string } from '../../schema/index.ts'
import { userDirectory } from './service.ts'
import type { Directory } from './user-service.ts'

const TIMEOUT_MS = 10_000
/** No user has a longer name. */
const MAX_NAME = 256
/** Bytes that the server may send over one connection: an entry with some thousand groups. The library has no limit. */
const MAX_BYTES = 1024 * 1024
const PART_BYTES = 4096

const options = {
  ldap_host: string().describe('Name or address of the LDAP server'),
  ldap_port: int({ min: 1, max: 65535 }).describe('389 if left out, 636 with ldap_secure').optional(),
  ldap_secure: bool().describe('Connect with TLS (ldaps)').default(false),
  verify_certificate: bool().describe("Whether the server's certificate must be valid").default(true),
  base_dn: template().describe('Where to search for users'),
  bind_dn: template().describe('The account that searches for users; anonymous if left out').optional(),
  bind_password: template().describe('Its password; required with bind_dn').optional(),
  group_dn: template().describe('A group that users must be members of').optional(),
  is_active_directory: bool()
    .describe('Search for sAMAccountName instead of uid if there is no user_filter')
    .default(false),
  user_filter: template()
    .describe('The search for a user; must contain USERNAME, which is replaced by the name')
    .optional(),
  membership_attribute: word('memberOf', 'isMemberOf')
    .describe("The attribute that lists a user's groups")
    .default('memberOf'),
  check_dn_case: bool().describe('Whether group_dn is compared with upper and lower case').default(true),
  role: word(...ROLES)
    .describe('The role that its users get at their first login')
    .default('admin'),
}

type Section = ReadSection<typeof options>

const TEMPLATES = ['base_dn', 'bind_dn', 'bind_password', 'group_dn', 'user_filter'] as const
/** The templates' texts, once rendered. */
type Texts = { readonly [K in (typeof TEMPLATES)[number]]?: string }

/**
 * Connects by `connect`, and gives the answer to the library in small parts: it calls itself for each message of a part,
 * keeps what it has read without a limit, and throws in a listener.
 */
function boundedSocket<T extends Socket>(connect: (onread: OnReadOpts) => T): T {
  let bytes = 0
  const take = (part: Buffer) => {
    bytes += part.length
    if (bytes > MAX_BYTES) throw new Error(`the answer is longer than ${MAX_BYTES} bytes`)
    socket.emit('data', part)
  }
  const socket = connect({
    buffer: Buffer.alloc(PART_BYTES),
    callback(length, buffer) {
      try {
        take(Buffer.from(buffer.subarray(0, length)))
      } catch (error) {
        socket.destroy(error as Error)
      }
      return true
    },
  })
  return socket
}

/** The attributes that a filter compares with USERNAME. */
function comparedAttributes(filter: string): string[] {
  return Array.from(filter.matchAll(/\(([\w.;-]+)~?=USERNAME\)/g), ([, name = '']) => name)
}

/** The values of an attribute, whose name has no case (RFC 4512, section 2.5). */
function valuesOf(entry: Readonly<Record<string, unknown>>, attribute: string): string[] {
  const wanted = attribute.toLowerCase()
  return Object.entries(entry).flatMap(([name, values]) =>
    name.toLowerCase() === wanted ? [values].flat().map(String) : [],
  )
}

/** A value escaped for a search filter (RFC 4515, section 3). */
export function escapeFilterValue(value: string): string {
  // oxlint-disable-next-line no-control-regex -- NUL is one of the five
  return value.replace(/[\\*()\0]/g, found => `\\${found.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

class LdapDirectory implements Directory {
  readonly role: Role
  readonly #section: Section
  readonly #templates: ReadonlyMap<string, SectionTemplate>
  readonly #log: Log
  #texts: Texts | null = null

  /** Throws ConfigError for invalid templates. */
  constructor(section: Section, core: Core) {
    this.#section = section
    this.#log = core.log
    this.role = section.options.role
    this.#templates = new Map(
      TEMPLATES.flatMap((name): [string, SectionTemplate][] => {
        const source = section.options[name]
        return source === undefined ? [] : [[name, new SectionTemplate(core, section, name, source)]]
      }),
    )
    if (section.options.bind_dn !== undefined && section.options.bind_password === undefined) {
      throw section.error('[ldap] bind_password is required where bind_dn is given', 'bind_password')
    }
  }

  get available(): boolean {
    return this.#texts !== null
  }

  /** Renders the templates. Rejects with ConfigError. */
  async prepare(): Promise<void> {
    const texts: Record<string, string> = {}
    for (const [name, each] of this.#templates) texts[name] = await each.renderOnce()
    const { user_filter } = texts
    if (user_filter !== undefined && !user_filter.includes('USERNAME')) {
      throw this.#section.error(
        '[ldap] user_filter must contain USERNAME, which is replaced by the name',
        'user_filter',
      )
    }
    this.#texts = texts
  }

  /** An empty password would be an anonymous bind, which succeeds on any server. */
  async authenticate(username: string, password: string): Promise<string | null> {
    const texts = this.#texts
    if (texts === null) throw new ApiError(503, 'LDAP is not available; see the warnings of the server')
    if (username === '' || username.length > MAX_NAME || password === '') return null
    try {
      return await this.#check(texts, username, password)
    } catch (error) {
      this.#log.warning(`the LDAP server ${this.#url} does not answer: ${messageOf(error)}`)
      throw new ApiError(503, 'The LDAP server does not answer; see the log', { cause: error })
    }
  }

  async #check(texts: Texts, username: string, password: string): Promise<string | null> {
    const found = await this.#find(texts, username)
    // Also for an unknown user, so that the time is the same.
    const dn = found?.dn ?? `uid=${randomBytes(8).toString('hex')},${texts.base_dn}`
    const isRight = await this.#binds(dn, password)
    if (found === undefined || !isRight) return null
    if (texts.group_dn === undefined || this.#isSame(found.groups, texts.group_dn))
      return found.name ?? username
    this.#log.info('refused an LDAP user who is not a member of group_dn')
    return null
  }

  #isSame(groups: readonly string[], wanted: string): boolean {
    if (this.#section.options.check_dn_case) return groups.includes(wanted)
    return groups.some(group => group.toLowerCase() === wanted.toLowerCase())
  }

  get #url(): string {
    const { ldap_host, ldap_secure } = this.#section.options
    const host = ldap_host.includes(':') ? `[${ldap_host}]` : ldap_host
    return `${ldap_secure ? 'ldaps' : 'ldap'}://${host}:${this.#port}`
  }

  get #port(): number {
    const { ldap_port, ldap_secure } = this.#section.options
    return ldap_port ?? (ldap_secure ? 636 : 389)
  }

  async #client() {
    const { Client } = await import('ldapts')
    const { ldap_host: host, ldap_secure, verify_certificate: rejectUnauthorized } = this.#section.options
    const port = this.#port
    const shared = { url: this.#url, timeout: TIMEOUT_MS, connectTimeout: TIMEOUT_MS }
    if (!ldap_secure) {
      const createConnection = () => boundedSocket(onread => connect({ host, port, onread }))
      return new Client({ ...shared, createConnection })
    }
    const tls = await import('node:tls')
    const createSecureConnection = () =>
      boundedSocket(onread => {
        // The type of its options lacks `onread`, which its documentation has.
        const options = { host, port, rejectUnauthorized, onread }
        return tls.connect(options)
      })
    return new Client({ ...shared, createSecureConnection })
  }

  /**
   * The entry of that name; undefined if there are several. `name` is the one that the entry has: servers also find
   * it by other case, spaces and characters, which must not make another user.
   */
  async #find(
    { base_dn = '', bind_dn, bind_password, user_filter }: Texts,
    username: string,
  ): Promise<{ dn: string; groups: readonly string[]; name: string | undefined } | undefined> {
    const { is_active_directory, membership_attribute } = this.#section.options
    const name = escapeFilterValue(username)
    const attribute = is_active_directory ? 'sAMAccountName' : 'uid'
    const pattern = user_filter ?? `(&(objectClass=Person)(${attribute}=USERNAME))`
    const [named = attribute] = comparedAttributes(pattern)
    const client = await this.#client()
    try {
      if (bind_dn !== undefined) await client.bind(bind_dn, bind_password)
      const { searchEntries } = await client.search(base_dn, {
        scope: 'sub',
        filter: pattern.replaceAll('USERNAME', () => name),
        attributes: [membership_attribute, named],
      })
      const [entry] = searchEntries
      if (entry === undefined || searchEntries.length > 1) return undefined
      return {
        dn: entry.dn,
        groups: valuesOf(entry, membership_attribute),
        name: valuesOf(entry, named).toSorted()[0],
      }
    } finally {
      await client.unbind().catch(() => {})
    }
  }

  async #binds(dn: string, password: string): Promise<boolean> {
    const { ResultCodeError } = await import('ldapts')
    const client = await this.#client()
    try {
      await client.bind(dn, password)
      return true
    } catch (error) {
      // The server refuses this user, for a wrong password or because the account is locked.
      if (error instanceof ResultCodeError) return false
      throw error
    } finally {
      await client.unbind().catch(() => {})
    }
  }
}

export default component({
  section: 'ldap',
  presence: 'configured',
  options,
  provides: { directory: userDirectory },
  create({ core, section }) {
    const directory = new LdapDirectory(section, core)
    return { directory, start: () => directory.prepare() }
  },
})
