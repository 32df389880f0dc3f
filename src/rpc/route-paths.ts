// Which route serves a path: one with arguments in its path, or one for all paths with the same start.

/** The values of the arguments in `wanted`; undefined where the other parts differ, or a value is empty. */
export function matchParts(
  wanted: readonly string[],
  parts: readonly string[],
): Readonly<Record<string, string>> | undefined {
  const args: Record<string, string> = {}
  for (const [index, part] of wanted.entries()) {
    const value = parts[index] as string
    if (part.startsWith('{') && value !== '') args[part.slice(1, -1)] = value
    else if (part !== value) return undefined
  }
  return args
}

/** The route with the longest prefix of `path`, and what follows that prefix. */
export function longestPrefix<R>(
  routes: ReadonlyMap<string, R>,
  path: string,
): { route: R; rest: string } | undefined {
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
    const route = routes.get(path.slice(0, end + 1))
    if (route !== undefined) return { route, rest: path.slice(end + 1) }
  }
  return undefined
}
