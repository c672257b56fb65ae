/*
 * MPI_Allreduce of floats for each size on the command line:
 *     mpirun -np W allreduce_mpi REPEATS BYTES...
 * Rank 0 writes a line of JSON for each size: seconds of the slowest rank for every repetition, and the processor
 * seconds of all ranks together for all of them. A repetition begins with a barrier, which is not measured.
 */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#define WARM_UP_BYTES (1L << 24)
#define MOST_WARM_UPS 50

static double cpu_seconds(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + 1e-6 * (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

int main(int argc, char **argv) {
    int rank, size;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    int repeats = argc > 1 ? atoi(argv[1]) : 0;
    for (int at = 2; at < argc && repeats > 0; at++) {
        long bytes = atol(argv[at]);
        long count = bytes / 4;
        float *in = malloc(count * 4), *out = malloc(count * 4);
        double *times = malloc(repeats * sizeof(double));
        double cpu = 0;
        for (long i = 0; i < count; i++) in[i] = (i % 1000) * 0.001f * (rank + 1);
        /* Without measuring, as often as bench/allreduce/load.ts says: connections, pages. */
        long warm_ups = WARM_UP_BYTES / bytes;
        warm_ups = warm_ups < 1 ? 1 : warm_ups > MOST_WARM_UPS ? MOST_WARM_UPS : warm_ups;
        for (long i = 0; i < warm_ups; i++) MPI_Allreduce(in, out, count, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
        for (int r = 0; r < repeats; r++) {
            MPI_Barrier(MPI_COMM_WORLD);
            double cpu_before = cpu_seconds(), start = MPI_Wtime();
            MPI_Allreduce(in, out, count, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
            double mine = MPI_Wtime() - start;
            cpu += cpu_seconds() - cpu_before;
            MPI_Reduce(&mine, &times[r], 1, MPI_DOUBLE, MPI_MAX, 0, MPI_COMM_WORLD);
        }
        double all;
        MPI_Reduce(&cpu, &all, 1, MPI_DOUBLE, MPI_SUM, 0, MPI_COMM_WORLD);
        if (rank == 0) {
            printf("{\"bytes\":%ld,\"cpuSeconds\":%.6f,\"seconds\":[", bytes, all);
            for (int r = 0; r < repeats; r++) printf("%s%.9f", r == 0 ? "" : ",", times[r]);
            printf("]}\n");
            fflush(stdout);
        }
        free(in), free(out), free(times);
    }
    MPI_Finalize();
    return 0;
}
