images = loadMNISTImages('images.idx3-ubyte');
labels = loadMNISTLabels('labels.idx1-ubyte');
labels(labels == 0) = 10;       % classes count from 1
targets = full(eye(10));
targets = targets(:, labels);
split = round(0.75 * size(images, 2));
indata = images(:, 1:split); outdata = targets(:, 1:split);
intest = images(:, split+1:end); outtest = targets(:, split+1:end);
rand('twister', 1); randn('state', 1);
paramsp = nnet_train_2('idx', '', [], [], [], [], 1, indata, outdata, 1, intest, outtest, 1, [6], {'logistic', 'softmax'}, 'gn', 0, 'class', 1, 0, 0.95, 0);
