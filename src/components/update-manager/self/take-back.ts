// Puts the previous version of this server back, in the place of one that does not answer.
import { execFile } from 'node:child_process'
import { lstat, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { replaceFile } from '../../../config/atomic-file.ts'
import { Replacement } from '../archive/replacement.ts'
import { makeTreeDurable } from '../archive/tree.ts'
import { type NewCommit, type NewFolder, REPORT, type Trial } from './trial.ts'

/** Whether the new version of the record is the installed one. */
export async function isInstalled({ change }: Trial): Promise<boolean> {
  return change.kind === 'folder'
    ? (await inodeOf(change.path)) === change.inode
    : (await git(change, 'rev-parse', 'HEAD')) === change.to
}

/** Puts the previous version back, unless that was done, and removes the record `file`. Can be repeated after a crash. */
export async function takeBack(file: string, trial: Trial, reason: string): Promise<void> {
  const { change } = trial
  await (change.kind === 'folder' ? takeFolderBack(change) : takeCommitBack(change))
  const text = `The new version of this server ${reason}: the previous version is back`
  replaceFile(join(dirname(file), REPORT), text, 0o644)
  await rm(file, { force: true })
}

async function takeFolderBack({ path, inode }: NewFolder): Promise<void> {
  const replacement = new Replacement(path)
  // Rejects while another guard does the same.
  await replacement.prepare()
  if ((await inodeOf(path)) === inode) await replacement.replaceFolder('previous')
  else await replacement.repair()
}

async function takeCommitBack(change: NewCommit): Promise<void> {
  if ((await git(change, 'rev-parse', 'HEAD')) === change.to)
    await git(change, 'reset', '--quiet', '--hard', change.from)
  await makeTreeDurable(change.repository)
}

async function inodeOf(path: string): Promise<string> {
  return String((await lstat(path, { bigint: true })).ino)
}

/** Runs git without the programs that a repository may name. */
async function git({ repository }: NewCommit, ...args: string[]): Promise<string> {
  const settings = ['core.fsync=all', 'core.hooksPath=/dev/null', 'core.fsmonitor=false']
  const options = settings.flatMap(setting => ['-c', setting])
  const { stdout } = await promisify(execFile)('git', ['-C', repository, ...options, ...args])
  return stdout.trim()
}
