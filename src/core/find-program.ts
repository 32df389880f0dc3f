// Looks a program up in PATH, for features that need one that may not be installed.
import { access, constants, stat } from 'node:fs/promises'
import { delimiter, join } from 'node:path'

/** The absolute path of an executable file of that name, or null. A name with a slash is a path already. */
export async function findProgram(name: string, path = process.env.PATH ?? ''): Promise<string | null> {
  const candidates = name.includes('/') ? [name] : path.split(delimiter).map(folder => join(folder, name))
  for (const candidate of candidates) if (await isExecutable(candidate)) return candidate
  return null
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    return (await stat(path)).isFile()
  } catch {
    return false
  }
}
