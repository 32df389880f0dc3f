// The programs that the configuration of a repository names, switched off: git would run them as the server's user.
// The user's own configuration (~/.gitconfig, /etc/gitconfig) is trusted, its programs run.

/** A setting of git, and where it comes from: `local` and `worktree` are the repository. */
interface Setting {
  readonly scope: string
  readonly key: string
  readonly value: string
}

/** What replaces a setting that names a program: settings for `git -c`. */
type Replacement = (key: string) => readonly string[]

/**
 * The settings by which the commands of the update manager would run a program. It does not use commands that run
 * others: merge drivers, diff programs, editors, signatures, submodule updates.
 */
const PROGRAMS: readonly (readonly [pattern: RegExp, replacement: Replacement])[] = [
  [
    /^filter\..*\.(?:clean|smudge|process|required)$/s,
    key => {
      const filter = key.slice(0, key.lastIndexOf('.'))
      return [`${filter}.clean=`, `${filter}.smudge=`, `${filter}.process=`, `${filter}.required=false`]
    },
  ],
  [/^core\.sshcommand$/, () => ['core.sshCommand=ssh']],
  // An empty helper removes those before it.
  [/^credential\.(?:.*\.)?helper$/s, key => [`${key}=`]],
  // Here too the first value counts.
  [/^core\.gitproxy$/, () => ['protocol.git.allow=never']],
  [/^core\.alternaterefscommand$/, key => [`${key}=true`]],
  [/^gc\.recentobjectshook$/, () => ['gc.auto=0', 'maintenance.auto=false']],
  [
    /^hook\..*\.(?:command|event)$/s,
    key => {
      const hook = key.slice(0, key.lastIndexOf('.'))
      return [`${hook}.command=true`, `${hook}.enabled=false`]
    },
  ],
]

/** Git takes the first value of these, so a later one cannot replace it. */
const FIRST_COUNTS = /^remote\..*\.(?:vcs|uploadpack)$/s

/** The arguments for `git`: reads the configuration for `withoutPrograms`. Runs no program. */
export const LIST_SETTINGS: readonly string[] = ['config', '--list', '--show-scope', '-z']

/** What switches off the programs of a repository. */
export interface Overrides {
  /** For `git -c`. */
  readonly settings: readonly string[]
  /** Whether the repository's own files contain all of its configuration; false where it includes others. */
  readonly isComplete: boolean
}

/** Reads the output of LIST_SETTINGS. Throws Error where git offers no way to switch a program off. */
export function withoutPrograms(list: string): Overrides {
  const settings = readSettings(list)
  const replaced = new Set<string>()
  const foreign = settings.filter(({ scope }) => scope === 'local' || scope === 'worktree')
  for (const { key } of foreign) {
    if (FIRST_COUNTS.test(key)) throw new Error(cannotSwitchOff(key))
    for (const [pattern, replacement] of PROGRAMS) {
      if (!pattern.test(key)) continue
      // Git ends the name of a setting at the first '='.
      if (/[=\n]/.test(key)) throw new Error(cannotSwitchOff(key))
      for (const setting of replacement(key)) replaced.add(setting)
    }
  }
  const names = new Set([...replaced].map(setting => setting.slice(0, setting.indexOf('=')).toLowerCase()))
  const own = settings.filter(
    ({ scope, key }) => isOwn(scope) && names.has(key.toLowerCase()) && isProgram(key),
  )
  return {
    settings: [...replaced, ...own.map(({ key, value }) => `${key}=${value}`)],
    isComplete: !foreign.some(({ key }) => /^include(?:if\..*)?\.path$/s.test(key)),
  }
}

function isProgram(key: string): boolean {
  return PROGRAMS.some(([pattern]) => pattern.test(key))
}

function isOwn(scope: string): boolean {
  return scope === 'system' || scope === 'global'
}

function cannotSwitchOff(key: string): string {
  return `the configuration of the repository names a program that cannot be switched off: ${key}`
}

function readSettings(list: string): Setting[] {
  const parts = list.split('\0')
  const settings: Setting[] = []
  for (let at = 0; at + 1 < parts.length; at += 2) {
    const [scope = '', entry = ''] = [parts[at], parts[at + 1]]
    const end = entry.indexOf('\n')
    const [key, value] = end === -1 ? [entry, 'true'] : [entry.slice(0, end), entry.slice(end + 1)]
    settings.push({ scope, key, value })
  }
  return settings
}
