/** What is wrong with a file, in words for people instead of those of the system call. */

const PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EISDIR: 'this is a folder',
  ENOTDIR: 'a part of its path is not a folder',
  ENOSPC: 'no space is left on its device: free some, or choose another place',
  EDQUOT: 'the quota of its owner is used up: free some space, or choose another place',
  EFBIG: 'it would be larger than files may be there: choose another place',
  EROFS: 'its file system is read-only: choose another place',
  ELOOP: 'its symbolic links lead in a circle',
  EMFILE: 'too many files are open in this process',
  ENAMETOOLONG: 'its name is too long',
};

/** Whether a file system call threw `error`. */
export function isFileProblem(error: unknown): error is NodeJS.ErrnoException & { readonly code: string } {
  if (!(error instanceof Error)) return false;
  const { code, syscall } = error as NodeJS.ErrnoException;
  return typeof code === 'string' && typeof syscall === 'string' && (code in PROBLEMS || 'path' in error);
}

/** The reason for which a file could not be read or written. */
export function fileProblem(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return (code !== undefined && PROBLEMS[code]) || text;
}
