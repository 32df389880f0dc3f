// The options of the type git_repo.
import { deprecated, path } from '../../../config/index.ts'
import { trimEndOf } from '../../../core/trim-characters.ts'
import { Field, type InferShape, Invalid, string } from '../../../schema/index.ts'
import { packageOptions, serviceOptions, systemPackageOptions } from '../options.ts'

/** The shortest abbreviation of a commit that can be pinned. */
const MIN_COMMIT = 8

/** A commit: 8 to 64 hexadecimal digits, in lower case after reading. */
export function commitId(): Field<string> {
  return new Field({ type: 'string', pattern: '^[0-9a-fA-F]{8,64}$' }, (input, name) => {
    const commit = String(input).trim().toLowerCase()
    if (!/^[0-9a-f]{8,64}$/.test(commit))
      throw new Invalid(name, `a commit of at least ${MIN_COMMIT} hexadecimal digits`, input)
    return commit
  })
}

/** The name of a branch; a dash at its start would be an option of git. */
function branch(): Field<string> {
  return new Field({ type: 'string' }, (input, name) => {
    const text = String(input).trim()
    if (!/^[^-\s~^:?*[\\][^\s~^:?*[\\]*$/.test(text)) throw new Invalid(name, 'the name of a branch', input)
    return text
  })
}

/** The URL of a repository, with `.git` at its end after reading. */
function repositoryUrl(): Field<string> {
  return new Field({ type: 'string' }, (input, name) => {
    const url = String(input).trim()
    if (!/^[^-\p{Cc}][^\p{Cc}]*$/u.test(url)) throw new Invalid(name, 'the URL of a git repository', input)
    return url.endsWith('.git') ? url : `${trimEndOf(url, '/')}.git`
  })
}

/** [update_manager NAME] of the type git_repo. */
export const gitOptions = {
  path: path().describe('The folder of the repository'),
  origin: repositoryUrl().describe('The URL of the official repository'),
  moved_origin: repositoryUrl().describe('The previous URL of a repository that has moved').optional(),
  primary_branch: branch().describe('The branch that updates come from').default('master'),
  pinned_commit: commitId().describe('Update to this commit at most; at least 8 digits').optional(),
  ...serviceOptions,
  ...systemPackageOptions,
  install_script: deprecated(
    string().describe('A script with a list of system packages, relative to `path`').optional(),
    'use "system_dependencies" instead',
  ),
  ...packageOptions,
}
export type GitOptions = InferShape<typeof gitOptions>
