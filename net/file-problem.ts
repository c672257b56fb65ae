/** What is wrong with a file, in words for people instead of those of the system call. */

const PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EEXIST: 'a file of that name is in the way',
  EISDIR: 'this is a folder',
  ENOTDIR: 'a part of its path is not a folder',
  ENOSPC: 'no space is left on its device: free some, or choose another place',
  EDQUOT: 'the quota of its owner is used up: free some space, or choose another place',
  EFBIG: 'it would be larger than files may be there: choose another place',
  EROFS: 'its file system is read-only: choose another place',
  ELOOP: 'its symbolic links lead in a circle',
  EMFILE: 'too many files are open in this process',
  ENAMETOOLONG: 'its name is too long',
  EIO: 'its device fails',
};

/** Not those of processes and sockets, whose errors have some of the same codes. */
const FILE_CALLS = new Set(
  'access chmod close copyfile fsync ftruncate link lstat mkdir mkdtemp open opendir read readlink realpath rename rm rmdir scandir stat symlink unlink utime write'.split(
    ' ',
  ),
);

/** Whether a file system call threw `error`. */
export function isFileProblem(error: unknown): error is NodeJS.ErrnoException {
  if (!(error instanceof Error)) return false;
  const { code, syscall, path } = error as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined || !FILE_CALLS.has(syscall)) return false;
  return path !== undefined || code in PROBLEMS;
}

/** The reason for which a file could not be read or written. */
export function fileProblem(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return (code !== undefined && PROBLEMS[code]) || text;
}
