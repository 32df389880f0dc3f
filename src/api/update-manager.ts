// API document: "Update Manager APIs", and the notifications about updates.
import { anyOf, bool, choice, float, type Infer, int, list, object, record, string } from '../schema/index.ts'
import { chapter } from './chapter.ts'
import { get } from './endpoint.ts'

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
const Commit = object({
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

/** The state of everything that can be updated. */
const UpdateStatus = object({
  busy: bool().describe('An update is in progress'),
  github_rate_limit: int().nullable(),
  github_requests_remaining: int().nullable(),
  github_limit_reset_time: float().nullable().describe('Seconds since the epoch'),
  version_info: record(EntryStatus).describe(
    'By the name of the entry; {} for a Klipper that is not identified yet',
  ),
})

export const updateManager = chapter({
  title: 'Update Manager APIs',
  about: 'Updates of Klipper, this server, front-ends, add-ons and system packages',
  methods: {
    'machine.update.status': get('/machine/update/status', {
      summary: 'The state of everything that can be updated',
      result: UpdateStatus,
    }),
  },
})
