// Where the API is: pages are directly below its address.

/** The address of the API, with a slash at its end. */
export function apiBase(): URL {
  return new URL('.', location.href)
}
