// Follows repositories that have moved: the web page of the previous URL redirects to the official one.
import type { Core } from '../../../component/component.ts'
import { HttpClientError } from '../../../core/http-client.ts'
import type { GitUpdaterParts } from './git-updater.ts'
import { isSameUrl } from './repo-config.ts'

/** Seconds until the web server of a repository has answered. */
const SECONDS = 10

/** The official URL, and where the repository was before. */
interface MovedRepo {
  readonly core: Core
  /** The name of the entry. */
  readonly name: string
  readonly origin: string
  readonly movedOrigin: string | undefined
}

/**
 * Gives the official URL for that of a remote where the repository has moved there; else the URL as it is. With the
 * debug option every URL is right.
 */
export function movedUrl({ core, name, origin, movedOrigin }: MovedRepo): GitUpdaterParts['findUrl'] {
  return async (url, signal) => {
    if (core.debug || isSameUrl(url, origin) || !/^https?:/i.test(url)) return url
    if (!(await leadsTo(core, url, origin, signal))) return url
    if (movedOrigin === undefined || !isSameUrl(url, movedOrigin)) {
      core.warnings.add(
        `Git Repo ${name}: Origin URL does not not match configured 'moved_origin'option. Expected: ${url}`,
      )
    }
    return origin
  }
}

async function leadsTo({ host }: Core, url: string, origin: string, signal: AbortSignal): Promise<boolean> {
  const page = url.replace(/\.git$/, '')
  const limits = { timeoutSeconds: SECONDS, maxBytes: 0, headersOnly: true, signal }
  try {
    const reply = await host.http.send({ url: page, ...limits })
    return isSameUrl(reply.url.replace(/\/$/, ''), origin)
  } catch (error) {
    if (error instanceof HttpClientError) return false
    throw error
  }
}
