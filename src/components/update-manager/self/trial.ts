// The record of a new version of this server that has not answered yet. It is written before that version takes its place, so
// that a power cut at any moment leaves the decision to the next start.
import { readFileSync } from 'node:fs'
import { replaceFile } from '../../../config/atomic-file.ts'

/**
 * The names in the folder of a replacement: the record, the guard of the version before, and what the guard reports.
 * scripts/loader.cjs has the first two as well.
 */
export const TRIAL = 'trial.json'
export const GUARD = 'guard.cjs'
export const REPORT = 'guard.txt'

/** A folder that was replaced by the one with this inode. */
export interface NewFolder {
  readonly kind: 'folder'
  readonly path: string
  readonly inode: string
}

/** A repository that was moved from a commit to another one. */
export interface NewCommit {
  readonly kind: 'commit'
  readonly repository: string
  readonly from: string
  readonly to: string
}

/** What the guard needs to recognise the new version, to end it and to put the previous one back. */
export interface Trial {
  readonly change: NewFolder | NewCommit
  /** The program of the server. */
  readonly program: string
  /** The server's unix socket. */
  readonly socket: string
  /** The process that runs the previous version. */
  readonly processId: number
  /** Seconds that the new version has to answer. */
  readonly seconds: number
  /** How often it was started, by the arguments of the command: several printers may share an installation. */
  readonly starts: Readonly<Record<string, number>>
}

/** Writes the record durably. Throws the error of the file system. */
export function writeTrial(file: string, trial: Trial): void {
  replaceFile(file, JSON.stringify(trial), 0o644)
}

/** Null where there is no record: the version has answered, or was taken back. */
export function readTrial(file: string): Trial | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Trial
  } catch {
    return null
  }
}
