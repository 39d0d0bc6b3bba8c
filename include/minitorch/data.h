// minitorch/data.h - data sets, samplers and the loader that makes batches of them, as
// torch.utils.data; the image data sets of torchvision; and readers of their files.
//
//   mt_dataset *files, *train;
//   mt_data_loader *loader;
//   mt_dataset_mnist(&files, "data", "MNIST", NULL, true);
//   mt_dataset_transform(&train, files, to_tensor, NULL);
//   mt_data_loader_options options;
//   mt_data_loader_options_init(&options);
//   options.batch_size = 64;
//   options.shuffle = true;
//   mt_data_loader_create(&loader, train, NULL, NULL, &options);
//   for (int epoch = 0; epoch < 3; ++epoch) {
//     mt_tensors *batch;
//     while (mt_data_loader_next(&batch, loader) == MT_OK && batch) {
//       mt_tensors_get(&images, batch, 0);              // (64, 1, 28, 28) float32
//       mt_tensors_get(&labels, batch, 1);              // (64,) int64
//       ...
//       mt_tensors_free(batch);
//     }
//   }
//
// A sample is a list of tensors, its fields: of the image data sets an image (channels, height,
// width) of bytes and a 0-dim int64 label. A batch is a list of the same fields with one more dim
// in front. Objects made of others keep them alive: those may be freed at once.
//
// Random numbers. Shuffles are PyTorch's: after the same mt_manual_seed the loader draws what
// torch's DataLoader draws, and gives the same batches in the same order. What a sample's
// transforms draw depends on num_workers being 0 or not, and on nothing else. With 0 they draw from
// the process's generator, sample after sample, as PyTorch does: the same pixels. With workers each
// sample has a generator of its own, seeded from the loader's base seed, the epoch and the sample's
// index, so that two workers and twenty give the same batches. (PyTorch's workers have a generator
// each: there the pixels depend on how many there are.)
//
// Threads. Data sets and samplers may be used from several threads at once. A loader is for one
// thread at a time; a second one that asks for a batch waits. Workers are threads of the library:
// callbacks of data sets, transforms and collating run on them, several at once.
#ifndef MINITORCH_DATA_H
#define MINITORCH_DATA_H

#include "minitorch/types.h"

#ifdef __cplusplus
extern "C" {
#endif

// --- Files -----------------------------------------------------------------------------------
// Files are read whole. Nothing that they say is trusted: sizes are checked against the file before
// memory is taken, and one that is cut, damaged or of another kind is MT_ERR_FORMAT with a message
// that names it; one that cannot be read is MT_ERR_IO.

// The array of an IDX file, plain or packed with gzip (which needs mt_has("zip")), whatever its
// name: uint8, int8, int16, int32, float32 or float64. MNIST's images are uint8 (n, 28, 28), its
// labels uint8 (n,).
MT_API mt_status mt_load_idx(mt_tensor **out, const char *path);

// The images, uint8 (n, 3, 32, 32), and labels, uint8 (n,), of a CIFAR-10 or CIFAR-100 file: the
// binary version's records or a batch that Python pickled (nothing of which is run). `classes` is
// 10 or 100, where the fine labels are given.
MT_API mt_status mt_load_cifar(mt_tensor **images, mt_tensor **labels, const char *path,
                               int64_t classes);

// --- Data sets -------------------------------------------------------------------------------

MT_API mt_status mt_dataset_free(mt_dataset *MT_NULLABLE self);

// The number of samples; MT_ERR_STATE for one that is iterated.
MT_API mt_status mt_dataset_size(int64_t *out, const mt_dataset *self);

// A sample. Negative indices count from the end; MT_ERR_INDEX outside. Transforms draw from the
// thread's generator.
MT_API mt_status mt_dataset_get(mt_tensors **out, const mt_dataset *self, int64_t index);

// A batch of the samples at these indices, as a loader makes it: each field stacked. `seeds` is
// NULL (transforms draw from the thread's generator) or has one for each sample.
MT_API mt_status mt_dataset_get_batch(mt_tensors **out, const mt_dataset *self,
                                      const int64_t *indices, size_t n_indices,
                                      const uint64_t *MT_NULLABLE seeds);

// The seed of a sample's own generator in a loader with workers.
MT_API mt_status mt_dataset_sample_seed(uint64_t *out, uint64_t base_seed, uint64_t epoch,
                                        int64_t index);

// What is known of the samples without reading them. MT_ERR_STATE for a data set that does not
// know: names of the classes (image data sets), labels (int64, (n,); image data sets), the files
// (image files and folders), and the fields as tensors over all samples (tensors, MNIST and CIFAR;
// views of the data set's own memory).
MT_API mt_status mt_dataset_classes(mt_strings **out, const mt_dataset *self);
MT_API mt_status mt_dataset_targets(mt_tensor **out, const mt_dataset *self);
MT_API mt_status mt_dataset_paths(mt_strings **out, const mt_dataset *self);
MT_API mt_status mt_dataset_data(mt_tensors **out, const mt_dataset *self);

// TensorDataset: sample i is entry i of the first dim of each tensor; all must have one size there.
MT_API mt_status mt_dataset_tensors(mt_dataset **out, const mt_tensor *const *tensors,
                                    size_t n_tensors);

// ConcatDataset: one after the other. All are by index, or all are iterated (ChainDataset).
MT_API mt_status mt_dataset_concat(mt_dataset **out, const mt_dataset *const *datasets,
                                   size_t n_datasets);

// Subset: the samples at these indices.
MT_API mt_status mt_dataset_subset(mt_dataset **out, const mt_dataset *dataset,
                                   const int64_t *indices, size_t n_indices);

// random_split: `parts` (n_lengths handles) are subsets of these lengths, whole numbers whose sum
// is the size, or shares whose sum is 1. Draws torch's permutation from `generator`, or from the
// process's.
MT_API mt_status mt_dataset_random_split(mt_dataset **parts, const mt_dataset *dataset,
                                         const double *lengths, size_t n_lengths,
                                         mt_generator *MT_NULLABLE generator);

// Another data set with transforms: of the first field (the image), of the second (the label). They
// run when a sample is taken: in a loader, on its workers.
MT_API mt_status mt_dataset_transform(mt_dataset **out, const mt_dataset *dataset,
                                      const mt_transform *MT_NULLABLE transform,
                                      const mt_transform *MT_NULLABLE target_transform);

// --- Data sets of your own -------------------------------------------------------------------

// The number of samples; asked at every use, as it may change between epochs.
typedef mt_status (*mt_dataset_size_fn)(int64_t *size, void *user);

// The sample at `index` (in [0, size)): leaves new references in fields[0], ... and their number,
// at most `capacity`, in *n_fields. Called from several threads at once when the loader has
// workers.
typedef mt_status (*mt_dataset_get_fn)(mt_tensor **fields, size_t capacity, size_t *n_fields,
                                       int64_t index, void *user);

// A new pass over an iterated data set begins.
typedef mt_status (*mt_dataset_start_fn)(void *user);

// The next sample, as above; *n_fields = 0 at the end. Never called by two threads at once.
typedef mt_status (*mt_dataset_next_fn)(mt_tensor **fields, size_t capacity, size_t *n_fields,
                                        void *user);

typedef struct mt_dataset_def {
  size_t struct_size;
  mt_dataset_size_fn size;    // by index: both of these
  mt_dataset_get_fn get;      //
  mt_dataset_next_fn next;    // iterated (IterableDataset): this one and, if not NULL, start
  mt_dataset_start_fn start;  //
  void *user;
  mt_destroy_fn destroy;
} mt_dataset_def;

MT_API void mt_dataset_def_init(mt_dataset_def *def);

// A data set of the host's own. With an iterated one a loader takes one pass for each epoch,
// whatever its number of workers: these only share the transforms and the collating.
MT_API mt_status mt_dataset_custom(mt_dataset **out, const mt_dataset_def *def);

// --- Image data sets -------------------------------------------------------------------------
// Samples are an image of bytes and a label. Files that are missing are MT_ERR_IO with a message
// that says where they were looked for.

// Image files, read as torchvision does (RGB), with a label for each.
MT_API mt_status mt_dataset_image_files(mt_dataset **out, const mt_strings *paths,
                                        const int64_t *targets, size_t n_targets);

// ImageFolder: root/class/.../image, classes in the order of their names. Files whose names end
// with one of `extensions` (lower case, with the dot), or with torchvision's when NULL. A class
// without files is an error.
MT_API mt_status mt_dataset_image_folder(mt_dataset **out, const char *root,
                                         const mt_strings *MT_NULLABLE extensions);

// MNIST and its kin: `name` is "MNIST", "FashionMNIST", "KMNIST" or "EMNIST". The IDX files, packed
// with gzip or not, lie in root/<name>/raw as torchvision has them, or in root itself. `split` is
// for EMNIST: "byclass", "bymerge", "balanced", "letters", "digits" or "mnist"; NULL for the
// others.
MT_API mt_status mt_dataset_mnist(mt_dataset **out, const char *root, const char *name,
                                  const char *MT_NULLABLE split, bool train);

// CIFAR-10 or CIFAR-100 (`classes` 10 or 100): the batches of the Python or the binary version in
// their folder (cifar-10-batches-py, cifar-10-batches-bin, cifar-100-python, cifar-100-binary) in
// root, or in root itself.
MT_API mt_status mt_dataset_cifar(mt_dataset **out, const char *root, int64_t classes, bool train);

// torchvision's FakeData: random images (image_size is channels, height, width) and labels, which
// depend on the index and `random_offset` only.
MT_API mt_status mt_dataset_fake(mt_dataset **out, int64_t size, const int64_t *image_size,
                                 size_t n_image_size, int64_t num_classes, int64_t random_offset);

// --- Samplers --------------------------------------------------------------------------------
// The order in which samples are taken. Draws come from `generator`; without one, from a new
// generator that each epoch seeds with a draw from the process's, as PyTorch does (subset_random
// and weighted_random draw from the process's itself).

MT_API mt_status mt_sampler_free(mt_sampler *MT_NULLABLE self);

// 0 to size - 1.
MT_API mt_status mt_sampler_sequential(mt_sampler **out, int64_t size);

// A permutation, or with `replacement` independent draws. num_samples 0: as many as there are.
MT_API mt_status mt_sampler_random(mt_sampler **out, int64_t size, bool replacement,
                                   int64_t num_samples, mt_generator *MT_NULLABLE generator);

// The given indices in random order.
MT_API mt_status mt_sampler_subset_random(mt_sampler **out, const int64_t *indices,
                                          size_t n_indices, mt_generator *MT_NULLABLE generator);

// Draws by weight.
MT_API mt_status mt_sampler_weighted_random(mt_sampler **out, const double *weights,
                                            size_t n_weights, int64_t num_samples, bool replacement,
                                            mt_generator *MT_NULLABLE generator);

// Batches of another sampler's indices.
MT_API mt_status mt_sampler_batch(mt_sampler **out, const mt_sampler *sampler, int64_t batch_size,
                                  bool drop_last);

// The order of an epoch: leaves a new int64 tensor (n,) of indices in *indices.
typedef mt_status (*mt_sampler_fn)(mt_tensor **indices, void *user);

// A sampler of the host's own, asked at the beginning of each epoch, on the thread that takes the
// batches.
MT_API mt_status mt_sampler_custom(mt_sampler **out, mt_sampler_fn function, void *MT_NULLABLE user,
                                   mt_destroy_fn MT_NULLABLE destroy);

// The indices of one epoch, int64 (n,): draws as an epoch does.
MT_API mt_status mt_sampler_indices(mt_tensor **out, const mt_sampler *self);

// --- The loader ------------------------------------------------------------------------------

typedef struct mt_data_loader_options {
  size_t struct_size;
  int64_t batch_size;       // 1
  bool shuffle;             // false: in order. With true, a random sampler
  bool drop_last;           // false: the last batch may be smaller
  bool persistent_workers;  // false: workers end with the epoch
  int32_t num_workers;      // 0: batches are made by the thread that asks for them
  int32_t prefetch_factor;  // 2 batches in advance for each worker
  double timeout;           // 0: wait for a batch as long as it takes; else seconds
} mt_data_loader_options;

MT_API void mt_data_loader_options_init(mt_data_loader_options *options);

// `sampler` NULL: in order, or shuffled. A batch sampler (mt_sampler_batch) makes the batches
// itself; then batch_size, shuffle and drop_last must be as _init sets them. Shuffles and base
// seeds are drawn from `generator`, or from the process's. `options` may be NULL.
MT_API mt_status mt_data_loader_create(mt_data_loader **out, const mt_dataset *dataset,
                                       const mt_sampler *MT_NULLABLE sampler,
                                       mt_generator *MT_NULLABLE generator,
                                       const mt_data_loader_options *MT_NULLABLE options);

// Ends the workers; a sample that one is just making is finished first. Possible at any time.
MT_API mt_status mt_data_loader_free(mt_data_loader *MT_NULLABLE self);

// The next batch, or NULL in *batch once at the end of an epoch; the call after that begins the
// next epoch. Batches come in the sampler's order. What fails while a batch is made is reported in
// the batch's place, with the index of the sample: `DataLoader: batch 3: sample 17: ...`; the call
// after that gives the batch behind it. Calling it from a callback of this loader is MT_ERR_STATE.
MT_API mt_status mt_data_loader_next(mt_tensors **batch, mt_data_loader *self);

// Gives the rest of the epoch up: the next call of next begins a new one.
MT_API mt_status mt_data_loader_reset(mt_data_loader *self);

// The number of batches in an epoch; MT_ERR_STATE when it is not known (iterated data sets and
// custom samplers).
MT_API mt_status mt_data_loader_size(int64_t *out, const mt_data_loader *self);

// Makes a batch of samples: field f of sample s is fields[s * n_fields + f]. Leaves new references
// in batch[0], ... and their number, at most `capacity`, in *n_batch.
typedef mt_status (*mt_collate_fn)(mt_tensor **batch, size_t capacity, size_t *n_batch,
                                   const mt_tensor *const *fields, size_t n_samples,
                                   size_t n_fields, void *user);

// Instead of stacking. Takes effect with the next epoch; `function` NULL stacks again. All samples
// of a batch must have the same number of fields.
MT_API mt_status mt_data_loader_set_collate(mt_data_loader *self,
                                            mt_collate_fn MT_NULLABLE function,
                                            void *MT_NULLABLE user,
                                            mt_destroy_fn MT_NULLABLE destroy);

// A worker begins: called on its thread before its first sample.
typedef mt_status (*mt_worker_init_fn)(int32_t worker, int32_t num_workers, void *user);

// Takes effect with the next epoch; `function` NULL for none.
MT_API mt_status mt_data_loader_set_worker_init(mt_data_loader *self,
                                                mt_worker_init_fn MT_NULLABLE function,
                                                void *MT_NULLABLE user,
                                                mt_destroy_fn MT_NULLABLE destroy);

// `done` batches of this epoch were given, of `total` (-1: not known). Called for 0 when an epoch
// begins, and before each batch is given; an error ends the call of next, and the batch is lost.
typedef mt_status (*mt_progress_fn)(int64_t done, int64_t total, void *user);

// For progress bars. `function` NULL for none.
MT_API mt_status mt_data_loader_set_progress(mt_data_loader *self,
                                             mt_progress_fn MT_NULLABLE function,
                                             void *MT_NULLABLE user,
                                             mt_destroy_fn MT_NULLABLE destroy);

#ifdef __cplusplus
}
#endif

#endif  // MINITORCH_DATA_H
