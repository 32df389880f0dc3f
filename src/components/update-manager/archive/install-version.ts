// Puts a version in the place of the installed one: from an archive, as a single program, or the previous version.
import { chmod, copyFile, mkdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ApiError, messageOf } from '../../../core/errors.ts'
import { RELEASE_INFO, readInstallInfo, releaseInfoOf } from './install-info.ts'
import type { Place } from './installation.ts'
import type { Replacement } from './replacement.ts'
import { keepFiles, makeTreeDurable } from './tree.ts'
import { ArchiveError, extractZip } from './zip.ts'

/** Where versions are installed. */
export interface InstallTarget {
  readonly place: Place
  readonly replacement: Replacement
  /** Files and folders that stay, relative to the installation. */
  readonly persistentFiles: readonly string[]
  /** Rejects with ArchiveError for an extracted archive that must not be installed. */
  readonly check?: (folder: string) => Promise<void>
}

/** The last step, which moves a complete version into its place. Nothing has changed before. */
export type Replace = () => Promise<void>

/** Extracts an archive. Rejects with ArchiveError, errors of the file system, and the reason of `signal`. */
export async function prepareArchive(
  { place, replacement, persistentFiles, check }: InstallTarget,
  file: string,
  signal: AbortSignal,
): Promise<Replace> {
  const { incoming } = replacement
  await extractZip(file, incoming, signal)
  if ((await readInstallInfo(incoming, place.type === 'web'))?.owner == null)
    throw new ArchiveError(
      `The release has no ${RELEASE_INFO}: it is not installed, as no update could follow`,
    )
  await check?.(incoming)
  await chmod(incoming, (await stat(place.path)).mode & 0o7777)
  return async () => {
    await keepFiles(persistentFiles, place.path, incoming)
    await makeTreeDurable(incoming)
    await replacement.replaceFolder('incoming')
  }
}

/** Prepares a program, and the info for its version. Rejects with errors of the file system. */
export async function prepareProgram(
  { place: { path }, replacement }: InstallTarget,
  file: string,
  assetName: string,
  version: string,
): Promise<Replace> {
  const { incoming } = replacement
  const program = join(incoming, assetName)
  await mkdir(incoming)
  await writeFile(join(incoming, RELEASE_INFO), (await releaseInfoOf(path, version)) ?? '')
  await copyFile(file, program)
  await chmod(program, (await stat(join(path, assetName))).mode | 0o110)
  await makeTreeDurable(incoming)
  return () => replacement.replaceFiles()
}

/** Prepares the previous version; `assetName` is the program of an executable. */
export async function preparePrevious(
  { place, replacement, persistentFiles }: InstallTarget,
  assetName: string | null,
): Promise<Replace> {
  const { previous, incoming } = replacement
  await replacement.prepare()
  if (place.type !== 'executable')
    return async () => {
      await keepFiles(persistentFiles, place.path, previous)
      await makeTreeDurable(previous)
      await replacement.replaceFolder('previous')
    }
  await keepFiles([RELEASE_INFO, ...(assetName === null ? [] : [assetName])], previous, incoming)
  await makeTreeDurable(incoming)
  return () => replacement.replaceFiles()
}

/** The error for clients. */
export function installError(error: unknown): unknown {
  if (error instanceof ApiError) return error
  if (error instanceof ArchiveError) return new ApiError(500, error.message, { cause: error })
  const reasons: Readonly<Record<string, string>> = {
    ENOSPC: 'The disk is full',
    EACCES: 'The server may not write to the folder of the installation, or to the folder around it',
    EBUSY: 'The installation is a mount point: it cannot be replaced',
    EXDEV: 'The installation is a mount point: it cannot be replaced',
  }
  const reason = reasons[(error as NodeJS.ErrnoException).code ?? ''] ?? messageOf(error)
  return new ApiError(500, `${reason}. The installed version is unchanged`, { cause: error })
}
