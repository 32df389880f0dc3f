// API document: "Update Manager APIs", and the notifications about updates.
import { anyOf, bool, choice, float, type Infer, int, list, object, record, string } from '../schema/index.ts'
import { chapter, notification } from './chapter.ts'
import { endpoints } from './endpoint.ts'

const { get, post } = endpoints({ changingRole: 'admin' })

/** What an update would do. */
const Preview = object({
  version: string().describe('The version after the update'),
  commits: int().nullable().describe('The number of new commits; null for other types'),
  size: int().nullable().describe('Bytes to download; null if not known'),
  packages: list(string()).describe('System packages that change'),
  services: list(string()).describe('Services that restart'),
})

/** The fields of every entry. */
const base = {
  name: string(),
  configured_type: string(),
  preview: Preview.nullable().describe(
    'What an update would do; null if nothing is newer, or an update is not possible',
  ),
}

/** The fields of every entry with a section. */
const extension = {
  ...base,
  channel: choice('stable', 'beta', 'dev'),
  channel_invalid: bool().describe('The type does not have the configured channel'),
  debug_enabled: bool().describe('The server runs with the debug option, which allows detached repositories'),
  is_valid: bool().describe('An update is possible'),
  info_tags: list(string()),
  owner: string(),
  repo_name: string(),
  version: string(),
  rollback_version: string().describe('The version that a rollback installs'),
  warnings: list(string()).describe('Why the entry is invalid'),
}

/** A commit that an update would add. */
export const Commit = object({
  sha: string(),
  author: string(),
  date: string().describe('Seconds since the epoch'),
  subject: string(),
  message: string(),
  tag: string().nullable(),
})

/** The status of a type git_repo. A text that is not known is `?`. */
const GitRepoStatus = object({
  ...extension,
  detected_type: choice('git_repo'),
  repo_detected: bool(),
  remote_alias: string(),
  branch: string(),
  remote_url: string(),
  recovery_url: string().describe('The URL of the clone of a hard recovery'),
  remote_version: string(),
  current_hash: string(),
  remote_hash: string(),
  is_dirty: bool().describe('Files of the repository are changed'),
  detached: bool(),
  commits_behind: list(Commit).describe('The newest 30 commits, and those of the newest 100 with a tag'),
  commits_behind_count: int(),
  git_messages: list(string()).describe('The output of the git command that failed last'),
  full_version_string: string(),
  pristine: bool().describe('Without changed files and untracked source files'),
  corrupt: bool(),
  anomalies: list(string()).describe('Unexpected conditions that do not prevent an update'),
})

/** The status of the types web, zip and executable. A text that is not known is `?`. */
const ReleaseStatus = object({
  ...extension,
  remote_version: string().nullable(),
  last_error: string().describe('Why the last request to the release API failed'),
  anomalies: list(string()),
})

/** The status of a type python. */
const PythonStatus = object({
  ...extension,
  detected_type: choice('python_package'),
  branch: string().nullable(),
  remote_version: string(),
  current_hash: string(),
  remote_hash: string(),
  is_dirty: bool(),
  changelog_url: string().nullable(),
  full_version_string: string(),
  pristine: bool(),
})

/** The packages of the operating system. */
const SystemStatus = object({ ...base, package_count: int(), package_list: list(string()) })

const EntryStatus = anyOf(GitRepoStatus, PythonStatus, ReleaseStatus, SystemStatus, object({}))
/** The status of one entry. */
export type EntryStatus = Infer<typeof EntryStatus>

/** The operation that runs now. */
const Running = object({
  application: string().describe('As in notify_update_response'),
  message: string().describe('The last message'),
  progress: float().nullable().describe('From 0 to 1; null if not known'),
  can_be_cancelled: bool(),
})

/** The state of everything that can be updated. */
const UpdateStatus = object({
  busy: bool().describe('An update is in progress'),
  running: Running.nullable().describe('The update, recovery or rollback in progress'),
  github_rate_limit: int().nullable(),
  github_requests_remaining: int().nullable(),
  github_limit_reset_time: float().nullable().describe('Seconds since the epoch'),
  version_info: record(EntryStatus).describe(
    'By the name of the entry; {} for a Klipper that is not identified yet',
  ),
})
export type UpdateStatus = Infer<typeof UpdateStatus>

/** A line of an update, recovery or rollback. */
const UpdateMessage = object({
  application: string().describe('The name of the entry, recover_NAME, rollback_NAME, or full'),
  proc_id: int().describe('The same for all lines of one operation'),
  message: string(),
  complete: bool().describe('This is the last line'),
})

const ok = choice('ok')
const name = string().describe('The name of the entry')
const optionalName = name.describe('The name of the entry; everything if left out').optional()
const oldName = (summary: string) => `${summary}; the newer name is machine.update.upgrade`

export const updateManager = chapter({
  title: 'Update Manager APIs',
  about: 'Updates of Klipper, this server, front-ends, add-ons and system packages',
  methods: {
    'machine.update.status': get('/machine/update/status', {
      summary: 'The state of everything that can be updated',
      params: {
        refresh: bool()
          .describe('Deprecated: refresh before, unless that is refused or was done in the last 60 seconds')
          .default(false),
      },
      result: UpdateStatus,
    }),
    'machine.update.refresh': post('/machine/update/refresh', {
      summary: 'Check for updates; refused during an update and a print',
      role: 'operator',
      params: { name: optionalName },
      result: UpdateStatus,
    }),
    'machine.update.upgrade': post('/machine/update/upgrade', {
      summary: 'Update one entry or everything; the reply comes at the end',
      params: { name: optionalName },
      result: ok,
    }),
    'machine.update.full': post('/machine/update/full', {
      summary: oldName('Update everything'),
      result: ok,
    }),
    'machine.update.client': post('/machine/update/client', {
      summary: oldName('Update one entry'),
      params: { name: optionalName },
      result: ok,
    }),
    'machine.update.klipper': post('/machine/update/klipper', {
      summary: oldName('Update Klipper'),
      result: ok,
    }),
    'machine.update.moonraker': post('/machine/update/moonraker', {
      summary: oldName('Update this server'),
      result: ok,
    }),
    'machine.update.system': post('/machine/update/system', {
      summary: oldName('Update the packages of the operating system'),
      result: ok,
    }),
    'machine.update.recover': post('/machine/update/recover', {
      summary: 'Repair a repository',
      params: {
        name,
        hard: bool().describe('Clone it again; else reset it. Local changes are kept').default(false),
        update_deps: bool().describe('Install all dependencies again; else those that differ').default(false),
      },
      result: ok,
    }),
    'machine.update.rollback': post('/machine/update/rollback', {
      summary: 'Install the previous version of an entry',
      params: { name },
      result: ok,
    }),
    'machine.update.cancel': post('/machine/update/cancel', {
      summary: 'Cancel the update, recovery or rollback in progress',
      result: ok,
    }),
  },
  notifications: {
    notify_update_response: notification('A line of an update, recovery or rollback', UpdateMessage),
    notify_update_refreshed: notification('The state of updates was refreshed', UpdateStatus),
  },
})
